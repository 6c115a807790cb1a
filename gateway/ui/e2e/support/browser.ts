import type { PlaywrightTestConfig } from "@playwright/test";

/** Debian's Chromium; Playwright downloads nothing. Video would need Playwright's own ffmpeg. */
export const browser = {
  browserName: "chromium",
  launchOptions: {
    executablePath: process.env["TURNPIKE_CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  },
  reducedMotion: "reduce",
  screenshot: "only-on-failure",
  trace: "retain-on-failure",
  video: "off",
} satisfies PlaywrightTestConfig["use"] & { reducedMotion: "reduce" };
