import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { seededWorld } from "~/mock-api";
import { clientIdOf, pendingGrantOf, renderApp } from "./render";

const heading = (name: string | RegExp) => screen.findByRole("heading", { level: 1, name });
const hoursAgo = (hours: number) => timestampFromDate(new Date(Date.now() - hours * 3_600_000));

/** Nature Basket with two secrets, each made and last used so many hours ago. */
function rotating(newer: [number, number?], older: [number, number?]) {
  const world = seededWorld();
  const clientId = clientIdOf(world, "Nature Basket");
  const client = world.clients.get(clientId);
  for (const [index, [made, used]] of [newer, older].entries()) {
    const secret = client?.secrets[index];
    if (secret === undefined) throw new Error("the seed has two secrets");
    secret.createTime = hoursAgo(made);
    if (used === undefined) delete secret.lastUseTime;
    else secret.lastUseTime = hoursAgo(used);
  }
  return { world, path: `/clients/${clientId}?tab=secrets` };
}

describe("the rotation of a secret", () => {
  it.each([
    ["until the new one is used", [1], [900, 0], /^Hand the new one to the system/],
    ["while the old one is used", [50, 0], [900, 2], /^Wait until the older one/],
    ["once the old one is quiet", [50, 0], [900, 30], /^Remove the older one/],
  ] as const)("says what to do %s", async (_when, newer, older, step) => {
    const { world, path } = rotating([...newer] as [number], [...older] as [number, number]);
    renderApp(path, { as: "pavel", world });
    await heading("Nature Basket");
    const current = screen
      .getAllByRole("listitem")
      .filter((item) => item.getAttribute("aria-current") === "step");
    expect(current.map((item) => item.textContent)).toEqual([expect.stringMatching(step)]);
  });

  it("warns before a secret goes that something still uses", async () => {
    const { world, path } = rotating([50, 0], [900, 2]);
    const { user } = renderApp(path, { as: "pavel", world });
    await heading("Nature Basket");
    for (const remove of screen.getAllByRole("button", { name: /^Remove secret/ })) {
      // One dialog after the other.
      // oxlint-disable no-await-in-loop
      await user.click(remove);
      const dialog = await screen.findByRole("dialog");
      expect(within(dialog).getByText(/used within the last day/)).toBeVisible();
      await user.click(within(dialog).getByRole("button", { name: "Cancel" }));
      await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
      // oxlint-enable no-await-in-loop
    }
  });
});

describe("the secret, once", () => {
  it("does not go with an Enter too many", async () => {
    const world = seededWorld();
    const { user } = renderApp(`/clients/${clientIdOf(world, "Green Corner kiosk")}?tab=secrets`, {
      as: "pavel",
      world,
    });
    await user.click(await screen.findByRole("button", { name: "Add a secret" }));
    const dialog = await screen.findByRole("dialog", { name: /^The secret of/ });
    await waitFor(() =>
      expect(within(dialog).getByRole("button", { name: "Copy the secret" })).toHaveFocus(),
    );
    await user.keyboard("{Enter}");
    expect(dialog).toBeVisible();
  });
});

describe("the palette", () => {
  it("offers what the open page can do, and the page above it", async () => {
    const world = seededWorld();
    const { user, address } = renderApp(`/clients/${clientIdOf(world, "Nature Basket")}`, {
      as: "pavel",
      world,
    });
    await heading("Nature Basket");
    await user.keyboard("{Control>}k{/Control}");
    await user.type(await screen.findByRole("textbox", { name: "Search or jump to" }), "stop");
    await user.click(await screen.findByText("Disable Nature Basket"));
    const dialog = await screen.findByRole("dialog", { name: "Disable the client Nature Basket?" });
    await user.click(within(dialog).getByRole("button", { name: "Cancel" }));
    await waitFor(() => expect(dialog).not.toBeInTheDocument());
    await user.keyboard("{Control>}k{/Control}");
    await user.click(await screen.findByText("Go up to Clients"));
    await waitFor(() => expect(address()).toBe("/clients"));
    await user.keyboard("{Control>}k{/Control}");
    await screen.findByRole("textbox", { name: "Search or jump to" });
    expect(screen.queryByText("On this page")).not.toBeInTheDocument();
  });
});

describe("editing", () => {
  it("opens at once with what the page before has shown", async () => {
    const world = seededWorld();
    const { user } = renderApp(`/clients/${clientIdOf(world, "Nature Basket")}`, {
      as: "pavel",
      world,
    });
    await heading("Nature Basket");
    await user.click(screen.getByRole("link", { name: "Edit" }));
    await heading("Edit Nature Basket");
    expect(screen.getByLabelText(/^Display name/)).toHaveValue("Nature Basket");
  });
});

describe("whoever asks for access", () => {
  it("without a client is told to register one, and sees no form", async () => {
    renderApp("/grants/new", { as: "nils" });
    expect(await screen.findByText("Your team has no client yet")).toBeVisible();
    expect(screen.getByRole("link", { name: "Register a client" })).toBeVisible();
    expect(screen.queryByLabelText(/^Reason/)).not.toBeInTheDocument();
    expect(screen.queryByRole("button", { name: "Ask for access" })).not.toBeInTheDocument();
  });

  it("is warned before asking again for what the client has", async () => {
    const world = seededWorld();
    const clientId = clientIdOf(world, "Nature Basket");
    const { user } = renderApp(`/grants/new?client=${clientId}&resource-server=lj-health-food`, {
      as: "pavel",
      world,
    });
    await user.click(await screen.findByRole("checkbox", { name: /list-orders/ }));
    expect(screen.queryByText(/already has/)).not.toBeInTheDocument();
    await user.click(screen.getByRole("checkbox", { name: /place-order/ }));
    expect(await screen.findByText("Nature Basket already has place-order")).toBeVisible();
  });
});

describe("the filter by team", () => {
  it("is for those who have more than one", async () => {
    const { unmount } = renderApp("/clients", { as: "pavel" });
    await screen.findByRole("table", { name: "Clients" });
    expect(screen.queryByLabelText("Owning team")).not.toBeInTheDocument();
    unmount();
    renderApp("/clients", { as: "ada" });
    expect(await screen.findByRole("combobox", { name: "Owning team" })).toBeVisible();
  });

  it("stays where a link has set it, so that it can be taken away", async () => {
    renderApp("/clients?team=orders", { as: "pavel" });
    expect(await screen.findByLabelText("Owning team")).toBeVisible();
  });
});

describe("whoever decides", () => {
  it("reads what each scope allows, and what the client may do already", async () => {
    const world = seededWorld();
    renderApp(`/grants/${pendingGrantOf(world, "lj-health-food")}`, { as: "olga", world });
    const scopes = await screen.findByRole("list", { name: "Scopes" });
    expect(await within(scopes).findByText("See the orders placed so far")).toBeVisible();
    expect((await screen.findByText("The client holds already")).parentElement).toHaveTextContent(
      "lj-health-food/place-order",
    );
  });
});

describe("the log", () => {
  it("names clients as people do, and says what it is about in the same line", async () => {
    renderApp("/activity?about=grants", { as: "aino" });
    const [row] = await screen.findAllByRole("link", { name: "Grant requested" });
    const line = row?.closest("tr");
    await waitFor(() =>
      expect(line).toHaveTextContent("Green Corner kiosk → LJ Health Food orders"),
    );
    expect(line).toHaveTextContent("list-orders and cancel-order");
  });
});

describe("a dialog", () => {
  it("gives the focus back to what opened it", async () => {
    const { user } = renderApp("/resource-servers/lj-health-food?tab=settings");
    const button = await screen.findByRole("button", { name: "Delete" });
    button.focus();
    await user.keyboard("{Enter}");
    const dialog = await screen.findByRole("dialog");
    await waitFor(() =>
      expect(within(dialog).getByRole("button", { name: "Cancel" })).toHaveFocus(),
    );
    await user.keyboard("{Escape}");
    await waitFor(() => expect(dialog).not.toBeInTheDocument());
    await waitFor(() => expect(button).toHaveFocus());
  });

  it("gives it to the heading where what opened it is gone", async () => {
    const world = seededWorld();
    const { user } = renderApp(`/clients/${clientIdOf(world, "Nature Basket")}?tab=secrets`, {
      as: "pavel",
      world,
    });
    const [remove] = await screen.findAllByRole("button", { name: /^Remove secret/ });
    if (remove === undefined) throw new Error("the seed has two secrets");
    await user.click(remove);
    const dialog = await screen.findByRole("dialog");
    await user.click(within(dialog).getByRole("button", { name: "Remove the secret" }));
    await waitFor(() => expect(dialog).not.toBeInTheDocument());
    await waitFor(async () => expect(await heading("Nature Basket")).toHaveFocus());
  });
});

describe("those who read it all", () => {
  it("begin with who can call what, and choose among all teams", async () => {
    const { user, address } = renderApp("/", { as: "aino" });
    await user.click(await screen.findByRole("link", { name: /^Who can call what/ }));
    await heading("Grants");
    expect(address()).toBe("/grants?state=active");
    await user.selectOptions(screen.getByRole("combobox", { name: "Owning team" }), "Orders");
    await waitFor(() => expect(address()).toContain("team=orders"));
  });
});

describe("the owning team", () => {
  it("leads to whom to ask", async () => {
    const { user } = renderApp("/resource-servers/billing", { as: "pavel" });
    await heading("Billing");
    await user.click(await screen.findByRole("link", { name: "Billing" }));
    expect(await screen.findByText("#team-billing")).toBeVisible();
  });
});
