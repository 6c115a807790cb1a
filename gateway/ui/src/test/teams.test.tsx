import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { renderApp } from "./render";

const heading = (name: string | RegExp) => screen.findByRole("heading", { level: 1, name });

describe("teams", () => {
  it("shows everyone who owns things, and which team is left by all", async () => {
    const { user, address } = renderApp("/teams", { as: "pavel" });
    const table = await screen.findByRole("table", { name: "Teams" });
    expect(within(table).getByRole("link", { name: "Orders" })).toBeVisible();
    const mine = within(table).getByText("Yours").closest("tr");
    expect(mine).toHaveTextContent("Partners");
    expect(mine).toHaveTextContent("Active");
    expect(within(table).getByText("Orphan")).toBeVisible();
    expect(screen.queryByRole("link", { name: "Make a team" })).not.toBeInTheDocument();
    await user.selectOptions(screen.getByRole("combobox", { name: "State" }), "Orphans");
    await waitFor(() => expect(address()).toBe("/teams?state=orphan"));
    await waitFor(() =>
      expect(screen.queryByRole("link", { name: "Orders" })).not.toBeInTheDocument(),
    );
    await user.click(screen.getByRole("link", { name: "Billing" }));
    expect(await heading("Billing")).toHaveFocus();
    expect(screen.getByText("Nobody is left in this team")).toBeVisible();
    expect(screen.queryByText("Who its members are")).not.toBeInTheDocument();
    expect(screen.queryByRole("link", { name: "Edit" })).not.toBeInTheDocument();
  });

  it("are named where only their keys were known", async () => {
    renderApp("/resource-servers", { as: "pavel" });
    const table = await screen.findByRole("table", { name: "Resource servers" });
    expect(await within(table).findAllByText("Billing")).not.toHaveLength(0);
    const owners = within(table).getAllByRole("cell", { name: "Billing" });
    expect(owners).not.toHaveLength(0);
  });

  it("are made, changed and deleted by an admin", async () => {
    const { user, address, world } = renderApp("/teams/new", { as: "ada" });
    await user.type(await screen.findByLabelText(/Display name/), "Logistics");
    await user.type(screen.getByLabelText(/^Key/), "Logistics");
    await user.type(screen.getByLabelText(/App roles/), "Team.Logistics");
    await user.click(screen.getByRole("button", { name: "Make the team" }));
    await waitFor(() => expect(screen.getByLabelText(/^Key/)).toHaveAttribute("aria-invalid"));
    await user.clear(screen.getByLabelText(/^Key/));
    await user.type(screen.getByLabelText(/^Key/), "logistics");
    await user.click(screen.getByRole("button", { name: "Make the team" }));
    expect(await heading("Logistics")).toBeVisible();
    expect(address()).toBe("/teams/logistics");
    expect(screen.getByText("Team.Logistics")).toBeVisible();

    await user.click(screen.getByRole("link", { name: "Edit" }));
    await user.type(await screen.findByLabelText(/Directory groups/), "g-1\n\n g-2 ");
    await user.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("g-2")).toBeVisible();
    expect(world.teams.get("logistics")?.directoryGroups).toEqual(["g-1", "g-2"]);

    await user.click(screen.getByRole("button", { name: "Delete" }));
    const dialog = await screen.findByRole("dialog", { name: "Delete the team Logistics?" });
    await user.click(await within(dialog).findByRole("button", { name: "Delete it" }));
    await waitFor(() => expect(address()).toBe("/teams"));
    expect(world.teams.has("logistics")).toBe(false);
  });

  it("that own something cannot be deleted, and the dialog says what", async () => {
    const { user } = renderApp("/teams/orders", { as: "ada" });
    await user.click(await screen.findByRole("button", { name: "Delete" }));
    const dialog = await screen.findByRole("dialog", { name: "Delete the team Orders?" });
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("owns");
    expect(within(dialog).getByRole("button", { name: "Delete it" })).toBeDisabled();
  });
});

describe("people without a team", () => {
  it("are told what to ask for", async () => {
    renderApp("/", { as: "nora" });
    const page = within(await screen.findByRole("main"));
    expect(await page.findByText("You are in no team")).toBeVisible();
    expect(screen.getByText(/map one of your groups or app roles to a team/)).toBeVisible();
    expect(screen.getByText("nora")).toBeVisible();
  });

  it("whom the directory did not tell are told so, and never that they are in none", async () => {
    renderApp("/", { as: "gwen" });
    expect(
      await screen.findByText("Your directory did not say which groups you are in"),
    ).toBeVisible();
    expect(screen.getByText(/ask an admin to assign app roles/i)).toBeVisible();
    expect(screen.queryByText("You are in no team")).not.toBeInTheDocument();
  });

  it("work with the teams they have by app role, and are told that there may be more", async () => {
    renderApp("/", { as: "gala" });
    expect(
      await screen.findByText("Your directory did not say which groups you are in"),
    ).toBeVisible();
    expect(await screen.findByText("2 requests wait for your decision")).toBeVisible();
  });
});
