import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  build: { sourcemap: false, assetsInlineLimit: 0 },
  // Polling: file events do not reach containers on every host.
  server: { watch: { usePolling: true, interval: 300 } },
});
