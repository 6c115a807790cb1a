import { expect, test } from "@playwright/test";
import { expectAccessible } from "../support/axe";
import { storageState } from "../support/personas";
import { watch } from "../support/watch";

/** The pages as the binary serves them: its files, its policy, its data. */
const addresses = [
  { path: "/", heading: "Overview" },
  { path: "/resource-servers", heading: "Resource servers" },
  { path: "/resource-servers/new", heading: "Register a resource server" },
  { path: "/clients", heading: "Clients" },
  { path: "/clients/new", heading: "Register a client" },
  { path: "/grants", heading: "Grants" },
  { path: "/grants/new", heading: "Ask for access" },
  { path: "/teams", heading: "Teams" },
  { path: "/teams/new", heading: "Make a team" },
  { path: "/teams/orders", heading: "Orders" },
  { path: "/teams/orders/edit", heading: "Edit Orders" },
  { path: "/activity", heading: "Activity" },
  { path: "/drift", heading: "Drift" },
  { path: "/sessions", heading: "Your sessions" },
  { path: "/nowhere/at/all", heading: "No such page" },
];

for (const looks of [
  { colorScheme: "light", viewport: { width: 1280, height: 800 } },
  { colorScheme: "dark", viewport: { width: 375, height: 740 } },
] as const) {
  test.describe(`${looks.colorScheme}, ${looks.viewport.width} px`, () => {
    test.use({ ...looks, storageState: storageState("ada") });
    for (const { path, heading } of addresses) {
      test(path, async ({ page }) => {
        const watched = await watch(page);
        await page.goto(path);
        await expect(page.getByRole("heading", { level: 1, name: heading })).toBeVisible();
        await page.waitForLoadState("networkidle");
        await expectAccessible(page);
        watched.expectClean();
      });
    }
  });
}

test.describe("the keyboard", () => {
  test.use({ storageState: storageState("olga") });

  test("goes from page to page, and the heading has the focus", async ({ page }) => {
    await page.goto("/");
    await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
    await page.keyboard.press("Control+k");
    await page.getByRole("textbox", { name: "Search or jump to" }).fill("activity");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { level: 1, name: "Activity" })).toBeFocused();
    await page.goBack();
    await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeFocused();
  });
});
