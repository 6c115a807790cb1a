import { defineConfig } from "@playwright/test";
import { browser } from "./support/browser";

/** Staff login, against a running Turnpike (TURNPIKE_BASE_URL) whose people sign in by a directory. */
export default defineConfig({
  testDir: "./directory",
  outputDir: "../test-results/directory",
  workers: 1,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [["line"]],
  use: { ...browser, baseURL: process.env["TURNPIKE_BASE_URL"] ?? "http://127.0.0.1:8080" },
});
