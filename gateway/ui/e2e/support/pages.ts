import { expect, type Locator, type Page } from "@playwright/test";

/** What the stories do, in the words of the UI. */
export class Turnpike {
  constructor(readonly page: Page) {}

  heading(name: string | RegExp): Locator {
    return this.page.getByRole("heading", { level: 1, name });
  }

  dialog(name: string | RegExp): Locator {
    return this.page.getByRole("dialog", { name });
  }

  private button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name });
  }

  /** By a URL where the state is in it, as a colleague would send it. */
  async open(path: string, heading: string | RegExp): Promise<void> {
    await this.page.goto(path);
    await expect(this.heading(heading)).toBeVisible();
  }

  async registerResourceServer(server: {
    identifier: string;
    displayName: string;
    description: string;
    scopes: Record<string, string>;
  }): Promise<void> {
    const { page } = this;
    await this.open("/resource-servers/new", "Register a resource server");
    await page.getByLabel("Display name").fill(server.displayName);
    await page.getByLabel("Identifier").fill(server.identifier);
    await page.getByLabel("Description", { exact: true }).fill(server.description);
    let number = 0;
    for (const [name, description] of Object.entries(server.scopes)) {
      number += 1;
      if (number > 1) await this.button("Add a scope").click();
      await page.getByLabel(`Name of scope ${number}`, { exact: true }).fill(name);
      await page.getByLabel(`Description of scope ${number}`, { exact: true }).fill(description);
    }
    await this.button("Register").click();
    await expect(this.heading(server.displayName)).toBeVisible();
  }

  /** Registers a client that asks for scopes; answers with what is shown once. */
  async registerClient(client: {
    displayName: string;
    search: string;
    scopes: string[];
    reason: string;
  }): Promise<{ clientId: string; secret: string }> {
    const { page } = this;
    await this.open("/clients/new", "Register a client");
    await page.getByLabel("Display name").fill(client.displayName);
    await page.getByLabel("Search the catalogue").fill(client.search);
    for (const scope of client.scopes) {
      await page.getByRole("checkbox", { name: scope }).first().check();
    }
    await page.getByLabel("Reason").fill(client.reason);
    await this.button("Register and ask for access").click();
    const dialog = this.dialog(`The secret of ${client.displayName}`);
    const clientId = (await dialog.getByLabel("client id", { exact: true }).innerText()).trim();
    const secret = (await dialog.getByLabel("secret", { exact: true }).innerText()).trim();
    await dialog.getByRole("button", { name: "I have stored it" }).click();
    await expect(this.heading(client.displayName)).toBeVisible();
    return { clientId, secret };
  }

  /** From the overview, where it waits. */
  async approve(clientName: string, note: string): Promise<void> {
    const { page } = this;
    await this.open("/", "Overview");
    await page.getByRole("link", { name: `Review the request of ${clientName}` }).click();
    await this.button("Approve").click();
    const dialog = this.dialog(new RegExp(`^Give ${clientName} access`));
    await dialog.getByLabel("Note").fill(note);
    await dialog.getByRole("button", { name: "Approve" }).click();
    await expect(page.getByText(/approved it$/)).toBeVisible();
  }

  async disable(clientId: string, clientName: string): Promise<void> {
    await this.open(`/clients/${clientId}`, clientName);
    await this.button("Disable").click();
    const dialog = this.dialog(`Disable the client ${clientName}?`);
    await dialog.getByRole("button", { name: "Disable it" }).click();
    await expect(this.page.getByText("This client is disabled.")).toBeVisible();
  }
}
