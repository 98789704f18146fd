import { createApp } from "./app.js";

const { PORT = "3000", APP_VERSION = "dev", FEATURE_FLAGS = "", LOG_LEVEL = "info" } = process.env;
const flags = new Set(FEATURE_FLAGS.split(",").filter(Boolean));

const server = createApp({ flags, version: APP_VERSION }).listen(Number(PORT), (error) => {
  if (error) throw error;
  if (LOG_LEVEL !== "error") console.log(JSON.stringify({ event: "listening", port: PORT }));
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => server.close(() => process.exit(0)));
}
