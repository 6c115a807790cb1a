import { expect, test, type Page } from "@playwright/test";
import { expectAccessible } from "../support/axe";
import { picture } from "../support/picture";
import { watch } from "../support/watch";

/** From a page of the portal to the directory, and what is done there. */
async function toDirectory(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await page.getByRole("link", { name: "Sign in with Example Ltd" }).click();
  await expect(page.getByRole("heading", { name: "Example directory" })).toBeVisible();
}

async function signIn(page: Page, person: string, path = "/"): Promise<void> {
  await toDirectory(page, path);
  await page.getByLabel("Name").fill(person);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("a member signs in where they were, works, and signs out here and there", async ({ page }) => {
  const watched = await watch(page);
  await signIn(page, "olga", "/teams/orders?tab=none");
  await expect(page.getByRole("heading", { level: 1, name: "Orders" })).toBeVisible();
  expect(new URL(page.url()).pathname).toBe("/teams/orders");
  await page.goto("/resource-servers/new");
  await page.getByRole("button", { name: "Account of Olga Orders" }).click();
  await expect(page.getByRole("menu")).toContainText("Orders");
  const cookies = await page.context().cookies(page.url());
  const ours = cookies.filter((cookie) => cookie.name.startsWith("__Host-"));
  expect(ours).toHaveLength(1);
  expect(ours[0]).toMatchObject({ httpOnly: true, secure: true, sameSite: "Lax", path: "/" });
  expect(
    await page.evaluate(() => JSON.stringify([document.cookie, localStorage, sessionStorage])),
  ).not.toMatch(/eyJ|__Host/);

  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign out of the directory?" })).toBeVisible();
  await page.getByRole("button", { name: "Yes" }).click();
  await expect(page.getByRole("heading", { name: "Signed out" })).toBeVisible();
  await expectAccessible(page);
  await page.goto("/teams");
  await expect(page.getByRole("heading", { level: 1, name: "Sign in to Turnpike" })).toBeVisible();
  // The directory does not know the browser any more either: it asks.
  await toDirectory(page, "/");
  watched.expectClean();
});

for (const [person, name, role] of [
  ["ada", "Ada Admin", "Platform admin"],
  ["aino", "Aino Auditor", "Auditor"],
  ["stan", "Stan Stranger", undefined],
] as const) {
  test(`${name} signs in and is who they are`, async ({ page }) => {
    await signIn(page, person);
    await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
    await page.getByRole("button", { name: `Account of ${name}` }).click();
    const menu = page.getByRole("menu");
    await expect(menu).toContainText(name);
    for (const each of ["Platform admin", "Auditor"]) {
      const line = menu.getByText(new RegExp(`^${each}( ·|$)`));
      await expect(line).toHaveCount(each === role ? 1 : 0);
    }
  });
}

test("whose groups are too many is told so", async ({ page }) => {
  await signIn(page, "otto");
  await expect(page.getByText(/app role/).first()).toBeVisible();
  await picture(page, "groups-unknown");
});

for (const looks of [
  { colorScheme: "light", viewport: { width: 1280, height: 800 }, name: "sign-in-refused" },
  { colorScheme: "dark", viewport: { width: 375, height: 740 }, name: "sign-in-refused-phone" },
] as const) {
  const { name, ...use } = looks;
  test.describe(`refused, ${looks.colorScheme}, ${looks.viewport.width} px`, () => {
    test.use(use);

    test("an answer that this browser did not ask for", async ({ page }) => {
      const watched = await watch(page);
      const answer = await page.goto("/login/callback?code=stolen&state=made-up");
      expect(answer?.status()).toBe(400);
      const title = page.getByRole("heading", { level: 1, name: "This sign-in is not known here" });
      await expect(title).toBeVisible();
      await expect(page.getByText("ATTEMPT_UNKNOWN")).toBeVisible();
      await expectAccessible(page);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      expect(wider).toBe(false);
      await picture(page, name);
      watched.expectClean();
    });

    test("a person who changed their mind", async ({ page }) => {
      await toDirectory(page, "/");
      await page.getByRole("button", { name: "Cancel" }).click();
      const title = page.getByRole("heading", {
        level: 1,
        name: "The directory did not sign you in",
      });
      await expect(title).toBeVisible();
      await expect(page.getByText("REFUSED_BY_DIRECTORY AADSTS65004")).toBeVisible();
      await expectAccessible(page);
      await page.getByRole("link", { name: "Begin anew" }).click();
      await expect(page.getByRole("heading", { name: "Example directory" })).toBeVisible();
    });
  });
}
