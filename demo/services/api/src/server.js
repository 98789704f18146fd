import pino from "pino";
import { createApp } from "./app.js";

const log = pino();
const port = Number(process.env.PORT ?? 3000);

const server = createApp().listen(port, () => log.info({ port }, "listening"));
process.on("SIGTERM", () => server.close());
