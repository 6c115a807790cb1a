import { expect, test, type Page } from "@playwright/test";
import { expectAccessible } from "../support/axe";
import { freshLink } from "../support/links";
import { watch } from "../support/watch";

const signIn = async (page: Page, persona: "olga" | "pavel") => {
  await page.goto(freshLink(persona));
  await page.getByRole("button", { name: /^Continue as/ }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
};

test("two people in two tabs: the first one's page does nothing for the second", async ({
  context,
}) => {
  const first = await context.newPage();
  const watched = await watch(first);
  await signIn(first, "olga");
  await first.goto("/resource-servers/new");
  await first.getByLabel("Display name").fill("Not mine");
  await first.getByLabel("Identifier").fill("not-mine");
  await first.getByLabel("Name of scope 1", { exact: true }).fill("read");
  await first.getByLabel("Description of scope 1", { exact: true }).fill("Read");

  const second = await context.newPage();
  await second.goto(freshLink("pavel"));
  await expect(second.getByText("This browser is signed in as Olga Orders")).toBeVisible();
  await expectAccessible(second);
  await signIn(second, "pavel");

  await first.bringToFront();
  await first.getByRole("button", { name: "Register" }).click();
  await expect(
    first.getByRole("heading", { level: 1, name: "You are now signed in as Pavel Partners" }),
  ).toBeVisible();
  await expectAccessible(first);
  await first.getByRole("button", { name: "Load this page as Pavel Partners" }).click();
  await expect(first.getByRole("button", { name: "Account of Pavel Partners" })).toBeVisible();
  await first.goto("/resource-servers?text=Not+mine");
  await expect(first.getByText("No resource server matches")).toBeVisible();
  watched.expectClean();
});
