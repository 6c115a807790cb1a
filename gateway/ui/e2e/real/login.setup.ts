import { expect, test as setup } from "@playwright/test";
import { watch } from "../support/watch";
import { loginLinks, personas, storageState } from "../support/personas";

const links = loginLinks();

setup("without a session the page says how to sign in", async ({ page }) => {
  const watched = await watch(page);
  await page.goto("/clients");
  await expect(page.getByRole("heading", { level: 1, name: "Sign in to Turnpike" })).toBeVisible();
  watched.expectClean();
});

for (const persona of personas) {
  setup(`${persona} signs in by a link, which works once`, async ({ page, browser }) => {
    await page.goto(links[persona]);
    await page.getByRole("button", { name: /^Continue as/ }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
    await page.context().storageState({ path: storageState(persona) });
    const other = await browser.newContext();
    const again = await other.newPage();
    await again.goto(links[persona]);
    await expect(
      again.getByRole("heading", { name: "This login link was used already" }),
    ).toBeVisible();
    await other.close();
  });
}
