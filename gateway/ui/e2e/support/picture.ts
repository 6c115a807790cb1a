import { join } from "node:path";
import type { Page } from "@playwright/test";

/** A picture for the README, if TURNPIKE_SCREENSHOTS names a folder: `make screenshots`. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env["TURNPIKE_SCREENSHOTS"];
  if (folder === undefined || folder === "") return;
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.waitForLoadState("networkidle");
    await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) });
  }
  await page.emulateMedia({ colorScheme: "light" });
}
