import { expect, test } from "@playwright/test";
import { join } from "node:path";

/** Pictures for the README, of the demo company in memory: `npm run screenshots`. */
const folder = process.env["TURNPIKE_SCREENSHOTS"] ?? "test-results/screenshots";

const pictures = [
  { name: "overview", as: "olga", path: "/", heading: "Overview", scheme: "light" },
  { name: "overview-dark", as: "olga", path: "/", heading: "Overview", scheme: "dark" },
  {
    name: "catalogue",
    as: "pavel",
    path: "/resource-servers",
    heading: "Resource servers",
    scheme: "light",
  },
  {
    name: "client",
    as: "pavel",
    path: "/clients",
    heading: "Nature Basket",
    scheme: "light",
    click: "Nature Basket",
  },
  { name: "activity", as: "aino", path: "/activity", heading: "Activity", scheme: "light" },
] as const;

for (const picture of pictures) {
  test(picture.name, async ({ browser }) => {
    const page = await browser.newPage({
      viewport: { width: 1280, height: 860 },
      colorScheme: picture.scheme,
      reducedMotion: "reduce",
    });
    await page.addInitScript(
      (persona) => localStorage.setItem("turnpike-mock-persona", persona),
      picture.as,
    );
    await page.goto(picture.path);
    if ("click" in picture) await page.getByRole("link", { name: picture.click }).click();
    await expect(page.getByRole("heading", { level: 1, name: picture.heading })).toBeVisible();
    await page.waitForLoadState("networkidle");
    await page.screenshot({ path: join(folder, `${picture.name}.png`) });
    await page.close();
  });
}
