import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { seededWorld } from "~/mock-api";
import { clientIdOf, renderApp } from "./render";

const heading = (name: string) => screen.findByRole("heading", { level: 1, name });
const reports = "resource-servers/https://reports.lj.example/v1";
const legacy = "clients/4f9q2m7xk1v8c3n6b5z0legacy";

describe("drift", () => {
  it("shows what differs and how, and since when the pool has not been told", async () => {
    const { user, address } = renderApp("/drift", { as: "aino" });
    expect(await heading("Drift")).toBeVisible();
    const table = await screen.findByRole("table", { name: "Drift" });
    const row = (await within(table).findByRole("link", { name: "Nature Basket" })).closest("tr");
    expect(row).toHaveTextContent("token lifetime: 1 hour here, 1 day in the pool");
    expect(row).toHaveTextContent("CallbackURLs: https://shop.example/callback only in the pool");
    expect(screen.getByText("26 objects")).toBeVisible();
    expect(screen.getByText("25 minutes ago", { selector: "dd *" })).toBeVisible();
    const entry = screen.getByRole("link", { name: /^Drift/ });
    expect(entry).toHaveTextContent("5 differ between registry and pool");

    await user.selectOptions(screen.getByRole("combobox", { name: "How it differs" }), "unmanaged");
    await waitFor(() => expect(address()).toBe("/drift?kind=unmanaged"));
    await waitFor(() => expect(within(table).queryByText("Gift cards")).not.toBeInTheDocument());
    expect(within(table).getByText("Reports")).toBeVisible();

    await user.click(screen.getByRole("tab", { name: /Not told yet/ }));
    const waits = await screen.findByRole("table", { name: "Not told yet" });
    expect(waits).toHaveTextContent("Failed 6 times");
    expect(waits).toHaveTextContent("4 minutes ago");
    expect(waits).toHaveTextContent("The authorization server is asked too much at the moment.");
  });

  it("is read by auditors, who are told why they cannot act", async () => {
    const { user, world } = renderApp("/drift", { as: "aino" });
    const adopt = await screen.findByRole("button", { name: "Adopt Reports" });
    expect(adopt).toHaveAttribute("aria-disabled", "true");
    expect(adopt).toHaveAccessibleDescription("Only platform admins may do this");
    const start = screen.getByRole("button", { name: "Start a walk" });
    expect(start).toHaveAttribute("aria-disabled", "true");
    await user.click(start);
    expect(world.pool?.walking).toBe(false);
  });

  it("is nothing of a team: no entry, and the address says why", async () => {
    renderApp("/drift", { as: "olga" });
    expect(await heading("Not allowed")).toBeVisible();
    expect(screen.queryByRole("link", { name: /^Drift/ })).not.toBeInTheDocument();
  });

  it("says that there is no pool where the issuer is embedded", async () => {
    const world = seededWorld();
    world.pool = undefined;
    renderApp("/drift", { as: "ada", world });
    expect(await screen.findByText("There is no pool, so nothing can drift")).toBeVisible();
    expect(screen.queryByRole("tab")).not.toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Start a walk" })).toHaveAccessibleDescription(
      "There is no pool to walk through",
    );
  });

  it("says that nothing differs, or that nobody has looked", async () => {
    const world = seededWorld();
    world.pool?.drifts.clear();
    const { unmount } = renderApp("/drift", { as: "ada", world });
    expect(await screen.findByText("The pool says what the registry says")).toBeVisible();
    unmount();
    if (world.pool !== undefined) world.pool.walk = undefined;
    renderApp("/drift", { as: "ada", world });
    expect(await screen.findByText("Nobody has looked yet")).toBeVisible();
    expect(screen.getByText("none has ended yet")).toBeVisible();
  });
});

describe("a walk", () => {
  it("is started by an admin, and shows while it goes on", async () => {
    const { user, world } = renderApp("/drift", { as: "ada" });
    await screen.findByRole("table", { name: "Drift" });
    const start = screen.getByRole("button", { name: "Start a walk" });
    await user.click(start);
    expect(await screen.findByText("A walk goes on")).toBeVisible();
    expect(world.pool?.walking).toBe(true);
    expect(start).toHaveAttribute("aria-disabled", "true");
  });
});

describe("adopting", () => {
  it("asks for the owner, says what would be there, and changes nothing before the click", async () => {
    const { user, world } = renderApp("/drift", { as: "ada" });
    await user.click(await screen.findByRole("button", { name: "Adopt Reports" }));
    const dialog = await screen.findByRole("dialog", {
      name: "Adopt the resource server Reports?",
    });
    const owner = within(dialog).getByRole("combobox", { name: "Owning team" });
    await waitFor(() => expect(owner).toHaveFocus());
    expect(within(dialog).getByRole("button", { name: "Adopt it" })).toBeDisabled();
    await user.type(owner, "bil");
    await user.click(await screen.findByRole("option", { name: "Billing" }));
    expect(await within(dialog).findByText("Reports, owned by team Billing")).toBeVisible();
    expect(within(dialog).getByText("read")).toBeVisible();
    expect(world.resourceServers.has("https://reports.lj.example/v1")).toBe(false);

    await user.click(within(dialog).getByRole("button", { name: "Adopt it" }));
    await waitFor(() => expect(dialog).not.toBeInTheDocument());
    expect(world.resourceServers.get("https://reports.lj.example/v1")?.team).toBe("billing");
    expect(world.pool?.drifts.has(reports)).toBe(false);
    await waitFor(() =>
      expect(screen.queryByRole("button", { name: "Adopt Reports" })).not.toBeInTheDocument(),
    );
  });

  it("of a client with scopes that nobody offers says what comes first", async () => {
    const { user, world } = renderApp("/drift", { as: "ada" });
    await user.click(await screen.findByRole("button", { name: "Adopt nightly-export" }));
    const dialog = await screen.findByRole("dialog");
    await user.click(within(dialog).getByRole("combobox", { name: "Owning team" }));
    await user.click(await screen.findByRole("option", { name: "Platform" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent(
      "No resource server here offers all of its scopes of https://reports.lj.example/v1.",
    );
    expect(within(dialog).getByText(/Adopt or register that resource server first/)).toBeVisible();
    expect(within(dialog).getByRole("button", { name: "Adopt it" })).toBeDisabled();
    expect(world.pool?.drifts.has(legacy)).toBe(true);
  });

  it("of what differs says what would change here", async () => {
    const world = seededWorld();
    const clientId = clientIdOf(world, "Nature Basket");
    const { user } = renderApp("/drift", { as: "ada", world });
    await user.click(await screen.findByRole("button", { name: /^Adopt Nature Basket/ }));
    const dialog = await screen.findByRole("dialog");
    expect(await within(dialog).findByText("token lifetime: 1 hour → 1 day")).toBeVisible();
    expect(within(dialog).queryByRole("combobox")).not.toBeInTheDocument();
    await user.click(within(dialog).getByRole("button", { name: "Adopt it" }));
    await waitFor(() => expect(dialog).not.toBeInTheDocument());
    expect(world.clients.get(clientId)?.tokenLifetime?.seconds).toBe(86_400n);
  });
});

describe("reverting", () => {
  it("says what would change in the pool, and gives the focus back", async () => {
    const { user, world } = renderApp("/drift", { as: "ada" });
    const button = await screen.findByRole("button", { name: /^Revert Nature Basket/ });
    await user.click(button);
    const dialog = await screen.findByRole("dialog");
    expect(await within(dialog).findByText("token lifetime: 1 day → 1 hour")).toBeVisible();
    await user.click(within(dialog).getByRole("button", { name: "Cancel" }));
    await waitFor(() => expect(dialog).not.toBeInTheDocument());
    await waitFor(() => expect(button).toHaveFocus());
    expect(world.pool?.drifts.size).toBe(5);
    await user.click(button);
    await user.click(await screen.findByRole("button", { name: "Revert it" }));
    await waitFor(() => expect(world.pool?.drifts.size).toBe(4));
  });

  it("of a lost client says why it cannot be, and offers no button that would fail", async () => {
    const { user } = renderApp("/drift", { as: "ada" });
    await user.click(await screen.findByRole("button", { name: "Revert Old price feed" }));
    const dialog = await screen.findByRole("dialog");
    expect(await within(dialog).findByRole("alert")).toHaveTextContent(
      "delete it and register a new one",
    );
    expect(within(dialog).getByRole("button", { name: "Make it again" })).toBeDisabled();
  });
});
