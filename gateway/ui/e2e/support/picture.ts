import { join } from "node:path";
import type { Page } from "@playwright/test";

/** The other colours are there, and nothing is on its way to them. */
async function settled(page: Page, colorScheme: string): Promise<void> {
  await page.mouse.move(0, 0);
  // The gateway's own pages have no scripts, and follow at once.
  if ((await page.locator("html[data-mantine-color-scheme]").count()) > 0) {
    await page.locator(`html[data-mantine-color-scheme="${colorScheme}"]`).waitFor();
  }
  await page.evaluate(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    await frame();
    await frame();
    await Promise.allSettled(document.getAnimations().map((animation) => animation.finished));
    await frame();
  });
}

/** A picture for the README, if TURNPIKE_SCREENSHOTS names a folder: `make screenshots`. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env["TURNPIKE_SCREENSHOTS"];
  if (folder === undefined || folder === "") return;
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.waitForLoadState("networkidle");
    await settled(page, colorScheme);
    await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) });
  }
  await page.emulateMedia({ colorScheme: "light" });
}
