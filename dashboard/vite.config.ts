/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const server = process.env.BELLWIRE_URL ?? "http://127.0.0.1:6001";

export default defineConfig(({ command }) => ({
  // The server puts the real prefix into <base>; everything else is relative to it.
  base: command === "build" ? "./" : "/dashboard/",
  plugins: [react()],
  build: {
    target: "es2022",
    chunkSizeWarningLimit: 700,
    // The content security policy has no data: for scripts and fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
  },
  server: {
    proxy: {
      "/management": { target: server },
      "/app": { target: server, ws: true },
    },
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testing.ts"],
  },
}));
