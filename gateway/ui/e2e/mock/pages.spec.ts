import { expect, test, type Page } from "@playwright/test";
import { expectAccessible } from "../support/axe";
import { watch } from "../support/watch";

/** Every page of the UI, on the API in memory, under the gateway's content security policy. */
const pages: {
  name: string;
  path: string;
  as?: string;
  heading: string | RegExp;
  act?: (page: Page) => Promise<void>;
}[] = [
  { name: "overview", path: "/", heading: "Overview" },
  { name: "overview of a new team", path: "/", as: "nils", heading: "Overview" },
  { name: "signed out", path: "/", as: "nobody", heading: "Sign in to Turnpike" },
  { name: "no such page", path: "/nowhere", heading: "No such page" },
  { name: "resource servers", path: "/resource-servers", heading: "Resource servers" },
  { name: "no match", path: "/resource-servers?text=zzz", heading: "Resource servers" },
  {
    name: "resource server",
    path: "/resource-servers/lj-health-food",
    heading: "LJ Health Food orders",
  },
  {
    name: "its access",
    path: "/resource-servers/lj-health-food?tab=access",
    heading: "LJ Health Food orders",
  },
  {
    name: "its secrets",
    path: "/resource-servers/lj-health-food?tab=secrets",
    heading: "LJ Health Food orders",
  },
  {
    name: "deleting it",
    path: "/resource-servers/lj-health-food?tab=settings",
    heading: "LJ Health Food orders",
    act: async (page) => {
      await page.getByRole("button", { name: "Delete" }).click();
      await expect(page.getByRole("dialog").getByText("What breaks")).toBeVisible();
    },
  },
  {
    name: "one by URL",
    path: "/resource-servers/https%3A%2F%2Fstock.lj.example%2Fv2",
    heading: "Stock levels",
  },
  {
    name: "a new resource server, wrong",
    path: "/resource-servers/new",
    heading: "Register a resource server",
    act: async (page) => {
      await page.getByRole("button", { name: "Register" }).click();
      await expect(page.getByLabel("Display name")).toHaveAttribute("aria-invalid", "true");
    },
  },
  {
    name: "editing one",
    path: "/resource-servers/lj-health-food/edit",
    heading: "Edit LJ Health Food orders",
  },
  { name: "clients", path: "/clients", as: "pavel", heading: "Clients" },
  {
    name: "client",
    path: "/clients",
    as: "pavel",
    heading: "Nature Basket",
    act: (page) => page.getByRole("link", { name: "Nature Basket" }).click(),
  },
  ...(["Secrets", "Get a token", "Settings"] as const).map((tab) => ({
    name: `client: ${tab}`,
    path: "/clients",
    as: "pavel",
    heading: "Nature Basket",
    act: async (page: Page) => {
      await page.getByRole("link", { name: "Nature Basket" }).click();
      await page.getByRole("tab", { name: tab }).click();
    },
  })),
  {
    name: "a new client with its scopes",
    path: "/clients/new",
    as: "pavel",
    heading: "Register a client",
    act: async (page) => {
      await page.getByLabel("Search the catalogue").fill("health");
      await page.getByRole("checkbox", { name: "place-order" }).check();
    },
  },
  {
    name: "the secret, once",
    path: "/clients/new",
    as: "pavel",
    heading: "Register a client",
    act: async (page) => {
      await page.getByLabel("Display name").fill("Blue Shop");
      await page.getByLabel("Search the catalogue").fill("health");
      await page.getByRole("checkbox", { name: "place-order" }).check();
      await page.getByLabel("Reason").fill("places orders");
      await page.getByRole("button", { name: "Register and ask for access" }).click();
      await expect(page.getByRole("dialog", { name: "The secret of Blue Shop" })).toBeVisible();
      await expect(page.getByText("Blue Shop is registered")).toBeVisible();
    },
  },
  {
    name: "asking for access without a client",
    path: "/grants/new",
    as: "nils",
    heading: "Ask for access",
    act: (page) => expect(page.getByText("Your team has no client yet")).toBeVisible(),
  },
  { name: "grants", path: "/grants", as: "ada", heading: "Grants" },
  { name: "grants that wait", path: "/grants?view=waiting", heading: "Grants" },
  {
    name: "grant",
    path: "/grants?view=waiting",
    heading: /^Green Corner kiosk/,
    act: (page) => page.getByRole("link", { name: "Green Corner kiosk" }).click(),
  },
  {
    name: "denying a grant",
    path: "/grants?view=waiting",
    heading: /^Green Corner kiosk/,
    act: async (page) => {
      await page.getByRole("link", { name: "Green Corner kiosk" }).click();
      await page.getByRole("button", { name: "Deny" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Deny" }).click();
      await expect(page.getByLabel("Why not")).toHaveAttribute("aria-invalid", "true");
    },
  },
  {
    name: "asking for access",
    path: "/grants/new?resource-server=lj-health-food",
    as: "pavel",
    heading: "Ask for access",
    act: async (page) => {
      await page.getByRole("combobox", { name: "Client" }).click();
      await expect(page.getByRole("option", { name: /Nature Basket/ })).toBeVisible();
    },
  },
  { name: "teams", path: "/teams", as: "pavel", heading: "Teams" },
  { name: "team", path: "/teams/billing", as: "ada", heading: "Billing" },
  {
    name: "team that is taken",
    path: "/teams/new",
    as: "ada",
    heading: "Make a team",
    act: async (page) => {
      await page.getByLabel("Display name").fill("Orders");
      await page.getByLabel("Key").fill("orders");
      await page.getByRole("button", { name: "Make the team" }).click();
      await expect(page.getByLabel("Key")).toHaveAttribute("aria-invalid", "true");
    },
  },
  { name: "no team", path: "/", as: "nora", heading: "Overview" },
  { name: "teams unknown", path: "/", as: "gwen", heading: "Overview" },
  {
    name: "activity, verified",
    path: "/activity",
    as: "aino",
    heading: "Activity",
    act: async (page) => {
      await page.getByRole("button", { name: "Verify the log" }).click();
      await expect(page.getByText("The log is whole")).toBeVisible();
    },
  },
  {
    name: "event",
    path: "/activity",
    as: "aino",
    heading: "Grant requested",
    act: (page) => page.getByRole("link", { name: "Grant requested" }).first().click(),
  },
  { name: "sessions", path: "/sessions", heading: "Your sessions" },
  {
    name: "ending the session of another",
    path: "/sessions?person=olga",
    as: "ada",
    heading: "Sessions of Olga Orlova",
    act: async (page) => {
      await page
        .getByRole("button", { name: /^End the session of/ })
        .first()
        .click();
      await expect(page.getByRole("dialog")).toBeVisible();
    },
  },
  { name: "drift", path: "/drift", as: "aino", heading: "Drift" },
  { name: "drift: not told yet", path: "/drift?tab=pending", as: "ada", heading: "Drift" },
  {
    name: "adopting",
    path: "/drift?kind=unmanaged",
    as: "ada",
    heading: "Drift",
    act: async (page) => {
      await page.getByRole("button", { name: "Adopt Reports" }).click();
      await page.getByRole("combobox", { name: "Owning team" }).fill("bill");
      await page.getByRole("option", { name: "Billing" }).click();
      await expect(page.getByText("What the registry would have")).toBeVisible();
    },
  },
  {
    name: "reverting what is lost",
    path: "/drift",
    as: "ada",
    heading: "Drift",
    act: async (page) => {
      await page.getByRole("button", { name: "Revert Old price feed" }).click();
      await expect(page.getByRole("alert")).toBeVisible();
    },
  },
  {
    name: "palette",
    path: "/",
    heading: "Overview",
    act: async (page) => {
      await page.keyboard.press("Control+k");
      await page.getByRole("textbox", { name: "Search or jump to" }).fill("stock");
      await expect(page.getByRole("dialog").getByText("https://stock.lj.example/v2")).toBeVisible();
    },
  },
];

for (const looks of [
  { name: "light", colorScheme: "light", viewport: { width: 1280, height: 800 } },
  { name: "dark phone", colorScheme: "dark", viewport: { width: 375, height: 740 } },
] as const) {
  test.describe(looks.name, () => {
    test.use({ colorScheme: looks.colorScheme, viewport: looks.viewport });
    for (const one of pages) {
      test(one.name, async ({ page }) => {
        const watched = await watch(page);
        await page.addInitScript(
          (persona) => localStorage.setItem("turnpike-mock-persona", persona),
          one.as ?? "olga",
        );
        await page.goto(one.path);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        await one.act?.(page);
        // A dialog hides the page behind it from the accessibility tree, not from the eye.
        await expect(page.locator("h1")).toHaveText(one.heading);
        await page.waitForLoadState("networkidle");
        await expectAccessible(page);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(overflow, "pixels that stick out sideways").toBeLessThanOrEqual(0);
        watched.expectClean();
      });
    }
  });
}
