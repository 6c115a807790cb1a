import { defineConfig } from "@playwright/test";
import { browser } from "./support/browser";

/**
 * The stories, against a running Turnpike: TURNPIKE_BASE_URL; TURNPIKE_LOGIN_LINKS with a fresh one-time
 * link for each persona; TURNPIKE_BIN and TURNPIKE_DATA_DIR to get more of them.
 */
export default defineConfig({
  testDir: "./real",
  outputDir: "../test-results/real",
  // One story after another: they share one registry.
  workers: 1,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [["line"]],
  use: { ...browser, baseURL: process.env["TURNPIKE_BASE_URL"] ?? "http://127.0.0.1:8080" },
  projects: [
    { name: "login", testMatch: /login\.setup\.ts/ },
    { name: "stories", testMatch: /.*\.spec\.ts/, dependencies: ["login"] },
    { name: "sign-out", testMatch: /sign-out\.ts/, dependencies: ["stories"] },
  ],
});
