import { expect, test } from "@playwright/test";
import { storageState } from "../support/personas";

// A project of its own after all others: it ends aino's session for good.
test.use({ storageState: storageState("aino") });

test("signing out ends the session, and every page then says how to sign in", async ({ page }) => {
  await page.goto("/activity");
  await page.getByRole("button", { name: /^Account of/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Sign in to Turnpike" })).toBeVisible();
  await page.goto("/clients");
  await expect(page.getByRole("heading", { level: 1, name: "Sign in to Turnpike" })).toBeVisible();
});
