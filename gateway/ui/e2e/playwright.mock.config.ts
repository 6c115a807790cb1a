import { defineConfig } from "@playwright/test";
import { browser } from "./support/browser";

/** The UI alone, on the API in memory: `npm run build:mock && npm run e2e:mock`. */
export default defineConfig({
  testDir: "./mock",
  outputDir: "../test-results/mock",
  fullyParallel: true,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [["line"]],
  use: { ...browser, baseURL: "http://127.0.0.1:4173" },
  projects: [
    { name: "pages", testMatch: /pages\.spec\.ts/ },
    { name: "screenshots", testMatch: /screenshots\.ts/ },
  ],
  webServer: {
    command: "npm run preview:mock",
    cwd: "..",
    url: "http://127.0.0.1:4173/favicon.svg",
    reuseExistingServer: true,
  },
});
