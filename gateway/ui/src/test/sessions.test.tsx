import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { SessionState } from "~/api";
import { renderApp } from "./render";

const heading = (name: string) => screen.findByRole("heading", { level: 1, name });
const end = /^End the session of/;

describe("sessions", () => {
  it("are found by the menu, and one that was left is ended from here", async () => {
    const { user, world } = renderApp("/", { as: "olga" });
    await user.click(await screen.findByRole("button", { name: /^Account of/ }));
    await user.click(await screen.findByRole("menuitem", { name: "Your sessions" }));
    expect(await heading("Your sessions")).toHaveFocus();
    const table = await screen.findByRole("table", { name: "Sessions" });
    expect(within(table).getAllByText("Signed in", { selector: "span" })).toHaveLength(2);
    expect(within(table).getByText("Signed out")).toBeVisible();
    const here = within(table).getByText("This browser").closest("tr");
    expect(here).toHaveTextContent("1 minute ago");
    const [newer, older] = within(table).getAllByRole("button", { name: end });
    if (newer === undefined || older === undefined) throw new Error("the seed has two that live");
    await user.click(older);
    const dialog = await screen.findByRole("dialog", { name: "End this session of yours?" });
    expect(dialog).toHaveTextContent("last used 25 minutes ago");
    await user.click(within(dialog).getByRole("button", { name: "End it" }));
    expect(await within(table).findByText("Ended from elsewhere")).toBeVisible();
    expect([...world.sessions.values()].map(({ state }) => state)).toEqual([
      SessionState.SIGNED_OUT,
      SessionState.ENDED,
      SessionState.LIVE,
    ]);
  });

  it("of another person are an admin's to end", async () => {
    const { user } = renderApp("/sessions?person=olga", { as: "ada" });
    expect(await heading("Sessions of Olga Orlova")).toBeVisible();
    const [first] = screen.getAllByRole("button", { name: end });
    if (first === undefined) throw new Error("the seed has two that live");
    await user.click(first);
    const dialog = await screen.findByRole("dialog", {
      name: "End this session of Olga Orlova?",
    });
    await user.click(within(dialog).getByRole("button", { name: "End it" }));
    await waitFor(() => expect(screen.getAllByRole("button", { name: end })).toHaveLength(1));
  });

  it("of another person are an auditor's to read", async () => {
    renderApp("/sessions?person=olga", { as: "aino" });
    await heading("Sessions of Olga Orlova");
    for (const button of screen.getAllByRole("button", { name: end })) {
      expect(button).toHaveAccessibleDescription("Only they and platform admins may do this");
    }
  });

  it("of another person are nobody else's", async () => {
    renderApp("/sessions?person=olga", { as: "pavel" });
    expect(await heading("Not found")).toBeVisible();
  });
});
