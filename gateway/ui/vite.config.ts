import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { tanstackRouter } from "@tanstack/router-plugin/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** What stands where the nonce belongs; the gateway replaces it in each response. */
export const noncePlaceholder = "__TURNPIKE_CSP_NONCE__";

const contentSecurityPolicy = (nonce: string) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");

/** Serves the mock build as the gateway serves the real one: nonce per response, strict policy. */
function previewLikeTheGateway(): Plugin {
  return {
    name: "turnpike-preview-like-the-gateway",
    configurePreviewServer(server) {
      const index = resolve(server.config.root, server.config.build.outDir, "index.html");
      server.middlewares.use((request, response, next) => {
        const path = (request.url ?? "/").split("?")[0] ?? "/";
        const isFile = /^\/(assets\/|favicon\.svg$|color-scheme\.js$)/.test(path);
        if (isFile || request.method !== "GET") {
          next();
          return;
        }
        const nonce = randomBytes(16).toString("base64");
        response.setHeader("content-type", "text/html; charset=utf-8");
        response.setHeader("cache-control", "no-store");
        response.setHeader("content-security-policy", contentSecurityPolicy(nonce));
        response.end(readFileSync(index, "utf8").replaceAll(noncePlaceholder, nonce));
      });
    },
  };
}

const gateway = process.env["TURNPIKE_BASE_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [
    tanstackRouter({
      target: "react",
      autoCodeSplitting: true,
      quoteStyle: "double",
      semicolons: true,
    }),
    react(),
    previewLikeTheGateway(),
  ],
  resolve: {
    alias: { "~": fileURLToPath(new URL("./src", import.meta.url)) },
  },
  html: { cspNonce: noncePlaceholder },
  build: {
    target: "es2022",
    // Browsers that know light-dark() and nesting; for older ones the colours would be rewritten into
    // variables that nothing sets.
    cssTarget: ["chrome123", "edge123", "firefox121", "safari17.5"],
    manifest: true,
    // A data: URL in a stylesheet or script would be refused by the policy, images aside.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    host: "127.0.0.1",
    port: 5173,
    // A test reads the server's words, which src/lib/rules.ts uses.
    fs: { allow: [".", "../../crates/domain/src"] },
    proxy: {
      "^/turnpike\\.v1\\.": { target: gateway },
      "^/(login|logout)": { target: gateway },
    },
  },
  preview: { host: "127.0.0.1", port: 4173, strictPort: true },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test/setup.ts"],
    testTimeout: 60_000,
    restoreMocks: true,
    css: false,
  },
});
