import { expect, test } from "@playwright/test";
import { freshLink } from "../support/links";
import { storageState } from "../support/personas";
import { watch } from "../support/watch";

test.use({ storageState: storageState("pavel") });

test("a session left elsewhere is ended from here, and that browser has to sign in again", async ({
  page,
  browser,
}) => {
  const watched = await watch(page);
  const ends = page.getByRole("button", { name: /^End the session of/ });
  await page.goto("/sessions");
  await expect(ends).not.toHaveCount(0);
  const before = await ends.count();

  const elsewhere = await browser.newContext({ storageState: { cookies: [], origins: [] } });
  const other = await elsewhere.newPage();
  await other.goto(freshLink("pavel"));
  await other.getByRole("button", { name: /^Continue as/ }).click();
  await expect(other.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();

  // The list may lag behind by a second.
  await expect(async () => {
    await page.reload();
    await expect(ends).toHaveCount(before + 1, { timeout: 1_000 });
  }).toPass();
  await ends.first().click();
  const dialog = page.getByRole("dialog", { name: "End this session of yours?" });
  await dialog.getByRole("button", { name: "End it" }).click();
  await expect(page.getByText("Ended from elsewhere")).toBeVisible();
  await expect(dialog).toBeHidden();

  await expect(async () => {
    await other.goto("/clients");
    await expect(other.getByRole("heading", { level: 1, name: "Sign in to Turnpike" })).toBeVisible(
      { timeout: 1_000 },
    );
  }).toPass();
  await page.goto("/clients");
  await expect(page.getByRole("heading", { level: 1, name: "Clients" })).toBeVisible();
  watched.expectClean();
  await elsewhere.close();
});
