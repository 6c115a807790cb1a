import { expect, test, type Browser, type Page } from "@playwright/test";
import { getToken, introspect } from "../support/api";
import { expectAccessible } from "../support/axe";
import { OrdersApi } from "../support/orders";
import { Turnpike } from "../support/pages";
import { picture } from "../support/picture";
import { storageState, type Persona } from "../support/personas";
import { watch } from "../support/watch";

// Each run needs a fresh process anyway, since login links work once.
const identifier = "lj-health-food";
const apiName = "LJ Health Food";
const clientName = "Nature Basket";

async function as(browser: Browser, persona: Persona) {
  const context = await browser.newContext({ storageState: storageState(persona) });
  const page = await context.newPage();
  const watched = await watch(page);
  return {
    page,
    turnpike: new Turnpike(page),
    leave: async () => {
      watched.expectClean();
      await context.close();
    },
  };
}

const addSecret = async (page: Page, owner: string) => {
  await page.getByRole("button", { name: "Add a secret" }).click();
  const dialog = page.getByRole("dialog", { name: `The secret of ${owner}` });
  const secret = (await dialog.getByLabel("secret", { exact: true }).innerText()).trim();
  await dialog.getByRole("button", { name: "I have stored it" }).click();
  await expect(dialog).toBeHidden();
  return secret;
};

test.describe.configure({ mode: "serial" });

let serverSecret = "";
let client = { clientId: "", secret: "" };
let token = "";
let orders: OrdersApi | undefined;

test.afterAll(() => orders?.stop());

test("olga registers the API with its scopes, and makes a secret for it", async ({ browser }) => {
  const { page, turnpike, leave } = await as(browser, "olga");
  await turnpike.registerResourceServer({
    identifier,
    displayName: apiName,
    description: "Takes orders, for this story only.",
    scopes: { "place-order": "Place an order", "list-orders": "See the orders placed so far" },
  });
  await expect(page.getByText(`${identifier}/place-order`, { exact: true })).toBeVisible();
  await page.getByRole("tab", { name: "Secrets" }).click();
  serverSecret = await addSecret(page, apiName);
  expect(serverSecret).toMatch(/^tp_[0-9A-Za-z]{38}$/);
  await expect(page.getByText("never used")).toBeVisible();
  await page.reload();
  await expect(page.getByText("never used")).toBeVisible();
  expect(await page.content()).not.toContain(serverSecret);
  await expectAccessible(page);
  await leave();
});

test("an identifier that is taken is told at its field", async ({ browser }) => {
  const { page, turnpike, leave } = await as(browser, "olga");
  await turnpike.open("/resource-servers/new", "Register a resource server");
  await page.getByLabel("Display name").fill("Again");
  await page.getByLabel("Identifier").fill(identifier);
  await page.getByLabel("Name of scope 1", { exact: true }).fill("read");
  await page.getByLabel("Description of scope 1", { exact: true }).fill("Read");
  await page.getByRole("button", { name: "Register" }).click();
  await expect(page.getByLabel("Identifier")).toHaveAttribute("aria-invalid", "true");
  await expectAccessible(page);
  await page.getByLabel("Identifier").fill("has space");
  await page.getByLabel("Display name").click();
  await expect(page.getByLabel("Identifier")).toHaveAttribute("aria-invalid", "true");
  await leave();
});

test("pavel registers a client that asks for one scope, and gets no token that is good yet", async ({
  browser,
  request,
}) => {
  const { page, turnpike, leave } = await as(browser, "pavel");
  client = await turnpike.registerClient({
    displayName: clientName,
    search: identifier,
    scopes: ["place-order"],
    reason: "The partner places orders for its customers.",
  });
  expect(client.clientId).toMatch(/^[0-9a-z]{26}$/);
  await expect(page.getByRole("table", { name: "Grants" })).toContainText("Waiting");
  expect(await page.content()).not.toContain(client.secret);
  await expectAccessible(page);
  const early = await getToken(request, client);
  expect(early.body["scope"] ?? "").not.toContain(identifier);
  await leave();
});

test("pavel cannot decide it, and the page says who does", async ({ browser }) => {
  const { page, turnpike, leave } = await as(browser, "pavel");
  await turnpike.open(`/clients/${client.clientId}`, clientName);
  await page.getByRole("table", { name: "Grants" }).getByRole("link", { name: apiName }).click();
  await expect(page.getByRole("button", { name: "Approve" })).toHaveAttribute(
    "aria-disabled",
    "true",
  );
  await expect(page.getByText("This request waits for team")).toBeVisible();
  await leave();
});

test("olga sees it waiting and approves it", async ({ browser }) => {
  const { page, turnpike, leave } = await as(browser, "olga");
  await turnpike.open("/", "Overview");
  await expect(
    page.getByRole("link", { name: `Review the request of ${clientName}` }),
  ).toBeVisible();
  await picture(page, "overview");
  await turnpike.approve(clientName, "as agreed");
  await expectAccessible(page);
  await leave();
});

test("the client's token holds the scope, and introspection says so", async ({ request }) => {
  const answer = await getToken(request, client);
  expect(answer.status).toBe(200);
  expect(answer.body["scope"]).toBe(`${identifier}/place-order`);
  token = String(answer.body["access_token"]);
  const verdict = await introspect(request, { identifier, secret: serverSecret }, token);
  expect(verdict["active"]).toBe(true);
  expect(verdict["scope"]).toBe(`${identifier}/place-order`);
});

test("the orders API takes an order with it, and lists nothing", async ({ request }) => {
  orders = await OrdersApi.start(identifier, serverSecret);
  expect(await orders.place(request, token)).toBe(201);
  const listed = await orders.list(request, token);
  expect(listed.status).toBe(403);
  expect(listed.challenge).toContain('error="insufficient_scope"');
  expect(listed.challenge).toContain(`${identifier}/list-orders`);
});

test("the secret's first use shows, and the command holds what was granted", async ({
  browser,
}) => {
  const { page, turnpike, leave } = await as(browser, "pavel");
  await turnpike.open(`/clients/${client.clientId}?tab=secrets`, clientName);
  await expect(page.getByText("last used")).toBeVisible();
  await page.getByRole("tab", { name: "Get a token" }).click();
  await expect(page.getByLabel("token command", { exact: true })).toContainText(
    `scope=${identifier}/place-order`,
  );
  await picture(page, "client");
  await leave();
});

test("pavel rotates the secret, and the old one ends", async ({ browser, request }) => {
  const { page, turnpike, leave } = await as(browser, "pavel");
  await turnpike.open(`/clients/${client.clientId}?tab=secrets`, clientName);
  const newSecret = await addSecret(page, clientName);
  expect((await getToken(request, { ...client, secret: newSecret })).status).toBe(200);
  expect((await getToken(request, client)).status).toBe(200);
  await page.reload();
  await page
    .getByRole("listitem")
    .filter({ hasText: "Older" })
    .getByRole("button", { name: /^Remove secret/ })
    .click();
  const dialog = page.getByRole("dialog", { name: `Remove this secret of ${clientName}?` });
  await dialog.getByRole("button", { name: "Remove the secret" }).click();
  await expect(dialog).toBeHidden();
  expect((await getToken(request, client)).status).toBe(401);
  client = { ...client, secret: newSecret };
  expect((await getToken(request, client)).status).toBe(200);
  await leave();
});

test("pavel disables the client: the same token is refused within a second", async ({
  browser,
  request,
}) => {
  const { turnpike, leave } = await as(browser, "pavel");
  await turnpike.disable(client.clientId, clientName);
  await expect
    .poll(
      async () =>
        (await introspect(request, { identifier, secret: serverSecret }, token))["active"],
      {
        timeout: 5_000,
      },
    )
    .toBe(false);
  await expect.poll(() => orders?.place(request, token), { timeout: 1_500 }).toBe(401);
  expect((await getToken(request, client)).status).toBeGreaterThanOrEqual(400);
  await leave();
});

test("olga cannot delete the API without seeing what breaks", async ({ browser }) => {
  const { page, turnpike, leave } = await as(browser, "olga");
  await turnpike.open(`/resource-servers/${identifier}?tab=settings`, apiName);
  await page.getByRole("button", { name: "Delete" }).click();
  const dialog = page.getByRole("dialog", { name: `Delete the resource server ${apiName}?` });
  await expect(dialog.getByText(clientName)).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Delete it" })).toBeDisabled();
  await expectAccessible(page);
  await dialog.getByRole("checkbox").check();
  await dialog.getByRole("button", { name: "Delete it" }).click();
  await expect(turnpike.heading("Resource servers")).toBeVisible();
  await turnpike.open(`/resource-servers/${identifier}`, "Not found");
  await leave();
});

test("aino reads all of it in the log, and the log is whole", async ({ browser }) => {
  const { page, turnpike, leave } = await as(browser, "aino");
  await turnpike.open(`/activity?client=${client.clientId}`, "Activity");
  const events = page.getByRole("table", { name: "Events" });
  for (const what of ["Client created", "Grant requested", "Grant approved", "Client disabled"]) {
    await expect(events.getByRole("link", { name: what })).toBeVisible();
  }
  await events.getByRole("link", { name: "Client disabled" }).click();
  await expect(turnpike.heading("Client disabled")).toBeVisible();
  await expectAccessible(page);
  await turnpike.open("/activity", "Activity");
  await page.getByRole("button", { name: "Verify the log" }).click();
  await expect(page.getByText("The log is whole")).toBeVisible();
  await picture(page, "activity");
  await leave();
});

test("aino looks for drift, and finds none or hears that there is no pool", async ({ browser }) => {
  const { page, turnpike, leave } = await as(browser, "aino");
  await turnpike.open("/", "Overview");
  await page.getByRole("link", { name: "Drift" }).click();
  await expect(turnpike.heading("Drift")).toBeFocused();
  const none = page.getByText("There is no pool, so nothing can drift");
  await expect(none.or(page.getByRole("tab", { name: "Where it differs" }))).toBeVisible();
  await expect(page.getByRole("button", { name: "Start a walk" })).toHaveAttribute(
    "aria-description",
    /^(There is no pool to walk through|Only platform admins may do this)$/,
  );
  await leave();
});

test("drift is not for the members of a team", async ({ browser }) => {
  const { page, turnpike, leave } = await as(browser, "olga");
  await turnpike.open("/drift", "Not allowed");
  await expect(page.getByRole("link", { name: "Drift" })).toHaveCount(0);
  await leave();
});

test("an auditor changes nothing of others", async ({ browser }) => {
  const { page, turnpike, leave } = await as(browser, "aino");
  await turnpike.open(`/clients/${client.clientId}`, clientName);
  await expect(page.getByRole("button", { name: "Enable" })).toHaveAttribute(
    "aria-disabled",
    "true",
  );
  await leave();
});
