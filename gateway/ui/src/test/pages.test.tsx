import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import { act as letPass, screen, waitFor, within } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ClientState, GrantState, PrincipalKind, SessionService } from "~/api";
import { live } from "~/api/live";
import { mockTransport, seededWorld, type BrowserSession, type PersonaId } from "~/mock-api";
import { refreshScopes } from "~/mock-api/grants";
import { clientIdOf, pendingGrantOf, renderApp } from "./render";

/** A paragraph of these words, whatever elements they are made of. */
const saying = (words: string) => (_: string, element: Element | null) =>
  element?.tagName === "P" && element.textContent === words;
const heading = (name: string | RegExp) => screen.findByRole("heading", { level: 1, name });

/** A persona's transport that notes what is called. */
function counted(persona: PersonaId, world = seededWorld()) {
  const calls: string[] = [];
  const inner = mockTransport({ persona }, world);
  const transport: typeof inner = {
    unary(method, ...rest) {
      calls.push(method.name);
      return inner.unary(method, ...rest);
    },
    stream: (method, ...rest) => inner.stream(method, ...rest),
  };
  return { transport, calls };
}

describe("the session", () => {
  const waysAre = (ways: unknown) =>
    vi.spyOn(window, "fetch").mockResolvedValue(new Response(JSON.stringify(ways)));
  afterEach(() => void vi.restoreAllMocks());

  it("leads those without one to the directory, and back to where they were", async () => {
    waysAre({ directory: "Example Ltd", links: false });
    window.history.replaceState(null, "", "/clients?q=shop");
    renderApp("/clients?q=shop", { as: "nobody" });
    const link = await screen.findByRole("link", { name: "Sign in with Example Ltd" });
    expect(link).toHaveAttribute("href", "/login?return_to=%2Fclients%3Fq%3Dshop");
    expect(screen.queryByText(/turnpike links/)).not.toBeInTheDocument();
    window.history.replaceState(null, "", "/");
  });

  it("tells those without one how to sign in, on every address", async () => {
    waysAre({ directory: null, links: true });
    renderApp("/clients", { as: "nobody" });
    expect(await heading("Sign in to Turnpike")).toBeVisible();
    expect(await screen.findByText(/turnpike links/)).toBeVisible();
    expect(screen.queryByRole("link", { name: /Sign in with/ })).not.toBeInTheDocument();
    expect(screen.queryByRole("navigation")).not.toBeInTheDocument();
  });

  it("keeps what it knows apart from a gateway that is gone", async () => {
    const transport = createRouterTransport((router) => {
      router.service(SessionService, {
        getSession() {
          throw new ConnectError("internal error", Code.Internal);
        },
      });
    });
    renderApp("/", { transport });
    expect(await heading("Something went wrong on our side")).toBeVisible();
  });
});

describe("somebody else who signs in in another tab", () => {
  const pavels = async () => {
    const world = seededWorld();
    const session: BrowserSession = { persona: "pavel" };
    const clientId = clientIdOf(world, "Nature Basket");
    const app = renderApp(`/clients/${clientId}`, { world, session });
    await heading("Nature Basket");
    return { ...app, session, clientId };
  };

  it("does not act through a page of the first", async () => {
    const { user, world, session, clientId } = await pavels();
    await user.click(screen.getByRole("button", { name: "Disable" }));
    const dialog = await screen.findByRole("dialog", { name: "Disable the client Nature Basket?" });
    const act = await within(dialog).findByRole("button", { name: "Disable it" });
    await waitFor(() => expect(act).toBeEnabled());
    session.persona = "ada";
    await user.click(act);
    expect(await heading("You are now signed in as Ada Adeyemi")).toBeVisible();
    expect(screen.getByText(/This page was opened by Pavel Petrov/)).toBeVisible();
    expect(world.clients.get(clientId)?.state).toBe(ClientState.ENABLED);
  });

  it("is told to whoever comes back to the page", async () => {
    const { session } = await pavels();
    session.persona = "olga";
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    expect(await heading("You are now signed in as Olga Orlova")).toBeVisible();
    expect(screen.getByRole("button", { name: "Load this page as Olga Orlova" })).toBeVisible();
    expect(screen.queryByText("Nature Basket")).not.toBeInTheDocument();
  });
});

describe("the overview", () => {
  it("begins with what waits for the user's decision", async () => {
    renderApp("/", { as: "olga" });
    expect(await screen.findByText("2 requests wait for your decision")).toBeVisible();
    expect(
      screen.getByRole("link", { name: "Review the request of Green Corner kiosk" }),
    ).toBeVisible();
  });

  it("tells a client that is disabled from those that can call", async () => {
    const world = seededWorld();
    const client = world.clients.get(clientIdOf(world, "Nature Basket"));
    if (client === undefined) throw new Error("seed");
    client.state = ClientState.DISABLED;
    renderApp("/", { as: "olga", world });
    const list = await screen.findByRole("list", { name: "Clients" });
    expect(await within(list).findByRole("link", { name: "Nature Basket disabled" })).toBeVisible();
    expect(
      within(list).getByRole("link", { name: "Green Corner kiosk can call 1 resource server" }),
    ).toBeVisible();
    const servers = await screen.findByRole("list", { name: "Resource servers" });
    expect(
      await within(servers).findByRole("link", {
        name: "LJ Health Food orders is called by 2 clients",
      }),
    ).toBeVisible();
  });

  it("tells a new team what to do next", async () => {
    renderApp("/", { as: "nils" });
    expect(await screen.findByText("No clients yet")).toBeVisible();
    expect(await screen.findByText("No resource servers yet")).toBeVisible();
    expect(screen.getByText("Nothing waits for your decision.")).toBeVisible();
  });
});

describe("lists", () => {
  it("keeps its search in the URL, and follows Back", async () => {
    const { user, address, router } = renderApp("/resource-servers");
    await screen.findByRole("link", { name: "Billing" });
    await user.type(screen.getByRole("searchbox", { name: /search names/i }), "5");
    await waitFor(() => expect(address()).toBe("/resource-servers?text=5"));
    expect(await screen.findByText("No resource server matches")).toBeVisible();
    router.history.back();
    await screen.findByRole("link", { name: "Billing" });
    expect(screen.getByRole("searchbox", { name: /search names/i })).toHaveValue("");
  });

  it("goes to the next page and back again", async () => {
    const { user, address } = renderApp("/resource-servers");
    await screen.findByRole("link", { name: "Billing" });
    await user.click(screen.getByRole("button", { name: "Next" }));
    await screen.findByRole("link", { name: "Weekly box" });
    expect(address()).toContain("page=");
    expect(screen.getByText("Page 2")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Previous" }));
    await screen.findByRole("link", { name: "Billing" });
    expect(address()).toBe("/resource-servers");
  });

  it("opens a resource server whose identifier is a URL", async () => {
    const { user } = renderApp("/resource-servers?text=stock");
    await user.click(await screen.findByRole("link", { name: "Stock levels" }));
    expect(await heading("Stock levels")).toHaveFocus();
    expect(await screen.findByText("See stock levels")).toBeVisible();
  });
});

describe("registering", () => {
  it("says at their fields what is wrong, and calls nothing", async () => {
    const { transport, calls } = counted("olga");
    const { user } = renderApp("/resource-servers/new", { transport });
    await heading("Register a resource server");
    await user.type(screen.getByLabelText(/^Identifier/), "has space");
    await user.click(screen.getByRole("button", { name: "Register" }));
    const name = screen.getByLabelText(/^Display name/);
    await waitFor(() => expect(name).toBeInvalid());
    expect(name).toHaveAccessibleDescription(/The display name is required/);
    expect(screen.getByLabelText("Name of scope 1")).toBeInvalid();
    expect(screen.getByLabelText(/^Identifier/)).toBeInvalid();
    expect(screen.getByText("The identifier must not contain spaces.")).toBeVisible();
    expect(calls).not.toContain("CreateResourceServer");
  });

  it("of a client, or asking for access, calls nothing either while something is missing", async () => {
    const { transport, calls } = counted("pavel");
    const first = renderApp("/clients/new", { transport });
    await heading("Register a client");
    await first.user.click(screen.getByRole("button", { name: "Register" }));
    await waitFor(() => expect(screen.getByLabelText(/^Display name/)).toBeInvalid());
    first.unmount();
    const { user } = renderApp("/grants/new", { transport });
    await user.click(await screen.findByRole("button", { name: "Ask for access" }));
    expect(await screen.findByText("The client is required.")).toBeVisible();
    expect(screen.getByText("The reason is required.")).toBeVisible();
    expect(calls).not.toContain("CreateClient");
    expect(calls).not.toContain("RequestGrant");
  });

  it("says that access asked for with a client has no end, and where it can have one", async () => {
    renderApp("/clients/new?scope=lj-health-food%2Fplace-order", { as: "pavel" });
    const words = await screen.findByText(/Access that you ask for here has no end/);
    expect(within(words).getByRole("link", { name: "ask for access" })).toHaveAttribute(
      "href",
      "/grants/new",
    );
  });

  it("says at the identifier that it is taken", async () => {
    const { user } = renderApp("/resource-servers/new");
    await heading("Register a resource server");
    await user.type(screen.getByLabelText(/^Display name/), "Mine");
    await user.type(screen.getByLabelText(/^Identifier/), "billing");
    await user.type(screen.getByLabelText("Name of scope 1"), "read");
    await user.type(screen.getByLabelText("Description of scope 1"), "Read");
    await user.click(screen.getByRole("button", { name: "Register" }));
    const words = await screen.findByText(/already exists/);
    expect(words).toHaveTextContent("Resource server billing already exists.");
    expect(within(words).getByText("billing", { selector: "code" })).toBeVisible();
    expect(screen.getByLabelText(/^Identifier/)).toBeInvalid();
  });

  it("ticks scopes, asks for them, shows the secret once and nowhere after", async () => {
    const { user, world, address } = renderApp("/clients/new", { as: "pavel" });
    await heading("Register a client");
    await user.type(screen.getByLabelText(/^Display name/), "Blue Shop");
    await user.type(screen.getByRole("searchbox", { name: "Search the catalogue" }), "health");
    await user.click(await screen.findByRole("checkbox", { name: /place-order/ }));
    await user.type(await screen.findByLabelText(/^Reason/), "places orders");
    await user.click(screen.getByRole("button", { name: "Register and ask for access" }));
    const dialog = await screen.findByRole("dialog", { name: "The secret of Blue Shop" });
    const secret = /tp_[A-Za-z0-9]{38}/.exec(
      within(dialog).getByLabelText("secret").textContent,
    )?.[0];
    expect(secret).toBeDefined();
    await user.keyboard("{Escape}");
    expect(dialog).toBeVisible();
    await user.click(within(dialog).getByRole("button", { name: "I have stored it" }));
    await heading("Blue Shop");
    const clientId = clientIdOf(world, "Blue Shop");
    expect(address()).toBe(`/clients/${clientId}`);
    expect(document.body.textContent).not.toContain(secret);
    const grant = [...world.grants.values()].find((one) => one.clientId === clientId);
    expect(grant?.scopes).toEqual(["lj-health-food/place-order"]);
    expect(grant?.reason).toBe("places orders");
  });

  it("asks before a filled-in form is left", async () => {
    const { user, address } = renderApp("/clients/new", { as: "pavel" });
    await heading("Register a client");
    await user.type(screen.getByLabelText(/^Display name/), "Half");
    await user.click(screen.getByRole("link", { name: "Overview" }));
    const dialog = await screen.findByRole("dialog", { name: "Leave without saving?" });
    await user.click(within(dialog).getByRole("button", { name: "Keep editing" }));
    expect(address()).toBe("/clients/new");
    expect(screen.getByLabelText(/^Display name/)).toHaveValue("Half");
  });
});

describe("a change by somebody else", () => {
  it("is told on saving, and loading again shows it", async () => {
    const world = seededWorld();
    const clientId = clientIdOf(world, "Nature Basket");
    const { user } = renderApp(`/clients/${clientId}/edit`, { as: "pavel", world });
    const name = await screen.findByLabelText(/^Display name/);
    const client = world.clients.get(clientId);
    if (client === undefined) throw new Error("seed");
    client.displayName = "Nature Basket Oy";
    client.etag = world.etag();
    await user.type(name, " 2");
    await user.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Changed in the meantime")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Load it again" }));
    await waitFor(() =>
      expect(screen.getByLabelText(/^Display name/)).toHaveValue("Nature Basket Oy"),
    );
  });
});

describe("what breaks", () => {
  it("is listed and confirmed before a resource server is deleted", async () => {
    const { user, world } = renderApp("/resource-servers/lj-health-food?tab=settings");
    await user.click(await screen.findByRole("button", { name: "Delete" }));
    const dialog = await screen.findByRole("dialog", {
      name: "Delete the resource server LJ Health Food orders?",
    });
    expect(await within(dialog).findByText("Nature Basket")).toBeVisible();
    const [request] = within(dialog)
      .getAllByRole("listitem")
      .filter((item) => item.textContent.startsWith("Request ends"));
    expect(request).toHaveTextContent(/the request of Green Corner kiosk of team Partners for/);
    expect(request).not.toHaveTextContent("loses");
    const act = within(dialog).getByRole("button", { name: "Delete it" });
    expect(act).toBeDisabled();
    await user.click(within(dialog).getByRole("checkbox"));
    await user.click(act);
    await heading("Resource servers");
    expect(world.resourceServers.has("lj-health-food")).toBe(false);
    expect(
      [...world.grants.values()].some(
        (g) =>
          g.resourceServer === "lj-health-food" &&
          g.endTime === undefined &&
          g.state === GrantState.ACTIVE,
      ),
    ).toBe(false);
  });

  it("is asked for when a scope in use is taken away", async () => {
    const { user, world } = renderApp("/resource-servers/lj-health-food/edit");
    await user.click(await screen.findByRole("button", { name: "Remove scope place-order" }));
    await user.click(screen.getByRole("button", { name: "Save" }));
    const dialog = await screen.findByRole("dialog", { name: /^Remove place-order from/ });
    await user.click(await within(dialog).findByRole("checkbox"));
    await user.click(within(dialog).getByRole("button", { name: "Save and end these grants" }));
    await heading("LJ Health Food orders");
    const names = world.resourceServers.get("lj-health-food")?.scopes.map((scope) => scope.name);
    expect(names).toEqual(["list-orders", "cancel-order"]);
  });

  it("stops a client by name", async () => {
    const world = seededWorld();
    const { user } = renderApp(`/clients/${clientIdOf(world, "Nature Basket")}`, {
      as: "pavel",
      world,
    });
    await user.click(await screen.findByRole("button", { name: "Disable" }));
    const dialog = await screen.findByRole("dialog", { name: "Disable the client Nature Basket?" });
    expect(dialog).toHaveTextContent(
      "refused within a second by APIs that ask Turnpike (introspection), by others when the tokens end, within 1 hour",
    );
    expect(
      await within(dialog).findByRole("link", { name: "LJ Health Food orders" }),
    ).toBeVisible();
    expect(dialog).not.toHaveTextContent(/`|"|gets no more tokens.*gets no more tokens/);
    await user.click(await within(dialog).findByRole("button", { name: "Disable it" }));
    expect(await screen.findByText("This client is disabled.")).toBeVisible();
  });
});

describe("what others do meanwhile", () => {
  it("shows on a page that is open, without loading it again", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      const world = seededWorld();
      const grant = world.grants.get(pendingGrantOf(world, "lj-health-food"));
      if (grant === undefined) throw new Error("seed");
      renderApp(`/clients/${grant.clientId}?tab=try`, { as: "pavel", world });
      await heading("Green Corner kiosk");
      const command = () => screen.getByLabelText("token command");
      const [asked = "none"] = grant.scopes;
      expect(command()).not.toHaveTextContent(asked);
      grant.state = GrantState.ACTIVE;
      refreshScopes(world, grant.clientId);
      await letPass(() => vi.advanceTimersByTimeAsync(live.refetchInterval));
      await waitFor(() => expect(command()).toHaveTextContent(asked));
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("deciding", () => {
  it("approves what waits", async () => {
    const world = seededWorld();
    const grantId = pendingGrantOf(world, "lj-health-food");
    const { user } = renderApp(`/grants/${grantId}`, { as: "olga", world });
    await user.click(await screen.findByRole("button", { name: "Approve" }));
    const dialog = await screen.findByRole("dialog", { name: /^Give Green Corner kiosk access/ });
    await user.click(within(dialog).getByRole("button", { name: "Approve" }));
    expect(await screen.findByText(saying("Olga Orlova approved it"))).toBeVisible();
    expect(world.grants.get(grantId)?.decider?.id).toBe("olga");
  });

  it("wants a reason for a denial, at its field", async () => {
    const world = seededWorld();
    const { transport, calls } = counted("olga", world);
    const { user } = renderApp(`/grants/${pendingGrantOf(world, "lj-health-food")}`, {
      transport,
    });
    await user.click(await screen.findByRole("button", { name: "Deny" }));
    const dialog = await screen.findByRole("dialog", { name: /^Deny/ });
    await user.click(within(dialog).getByRole("button", { name: "Deny" }));
    await waitFor(() => expect(within(dialog).getByLabelText(/^Why not/)).toBeInvalid());
    expect(within(dialog).getByText("The reason is required.")).toBeVisible();
    expect(calls).not.toContain("DenyGrant");
    await user.type(within(dialog).getByLabelText(/^Why not/), "ask for less");
    await user.click(within(dialog).getByRole("button", { name: "Deny" }));
    expect(await screen.findByText(saying("Olga Orlova denied it"))).toBeVisible();
    expect(screen.getByText("ask for less")).toBeVisible();
  });

  it("names the team that decides to an admin who is not in it", async () => {
    const world = seededWorld();
    renderApp(`/grants/${pendingGrantOf(world, "lj-health-food")}`, { as: "ada", world });
    expect(
      await screen.findByText(
        saying("This request waits for you or team Orders. You may decide it as a platform admin."),
      ),
    ).toBeVisible();
  });

  it("says when access ends by its date, too", async () => {
    const world = seededWorld();
    const grantId = pendingGrantOf(world, "lj-health-food");
    const grant = world.grants.get(grantId);
    if (grant === undefined) throw new Error("seed");
    grant.expireTime = timestampFromDate(new Date(2031, 4, 17, 23, 59));
    renderApp(`/grants/${grantId}`, { as: "olga", world });
    expect(await screen.findByText(/17 May 2031, 23:59/)).toBeVisible();
  });

  it("leaves the buttons to the one who asked, and says why they do nothing", async () => {
    const world = seededWorld();
    const { user } = renderApp(`/grants/${pendingGrantOf(world, "lj-health-food")}`, {
      as: "pavel",
      world,
    });
    const approve = await screen.findByRole("button", { name: "Approve" });
    expect(approve).toHaveAttribute("aria-disabled", "true");
    await waitFor(() => expect(approve).toHaveAccessibleDescription("Team Orders decides"));
    await user.click(approve);
    expect(screen.queryByRole("dialog")).not.toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Withdraw" })).toBeEnabled();
  });
});

describe("the log", () => {
  it("says what changed, field by field", async () => {
    const world = seededWorld();
    const clientId = clientIdOf(world, "Nature Basket");
    const { user } = renderApp(`/clients/${clientId}/edit`, { as: "pavel", world });
    const name = await screen.findByLabelText(/^Display name/);
    await user.clear(name);
    await user.type(name, "Basket");
    await user.click(screen.getByRole("button", { name: "Save" }));
    await heading("Basket");
    renderApp(`/activity/${world.events.length}`, { as: "pavel", world });
    const row = await screen.findByRole("row", { name: /display name/ });
    expect(row).toHaveTextContent("Nature BasketBasket");
  });

  it("tells a program from the person whose name it bears", async () => {
    const world = seededWorld();
    const actor = world.events.at(-1)?.actor;
    if (actor === undefined) throw new Error("nobody did the last thing in the seeded log");
    Object.assign(actor, { kind: PrincipalKind.CLIENT, displayName: "Ada Admin" });
    renderApp(`/activity/${world.events.length}`, { as: "aino", world });
    expect((await screen.findByText("Ada Admin")).parentElement).toHaveTextContent(
      "Ada Admin program",
    );
  });

  it("is verified by those who may read it all", async () => {
    const { user, world } = renderApp("/activity", { as: "aino" });
    await user.click(await screen.findByRole("button", { name: "Verify the log" }));
    expect(
      await screen.findByText(`The log is whole: ${world.events.length} events verified`),
    ).toBeVisible();
  });

  it("says to others who can", async () => {
    renderApp("/activity", { as: "olga" });
    expect(await screen.findByText(/Auditors and platform admins can verify/)).toBeVisible();
    expect(screen.queryByRole("button", { name: "Verify the log" })).not.toBeInTheDocument();
    expect(screen.queryByRole("button", { name: "Export" })).not.toBeInTheDocument();
  });

  it("says once that a call was refused, and in words what was called", async () => {
    const world = seededWorld();
    const event = world.events.at(-1);
    if (event === undefined) throw new Error("the seed has a log");
    Object.assign(event, {
      action: "call.refused",
      subject: "methods/turnpike.v1.ClientService/CreateClient",
      method: "turnpike.v1.ClientService/CreateClient",
      refusal: "NOT_ALLOWED",
    });
    renderApp(`/activity/${world.events.length}`, { as: "aino", world });
    expect(await heading("Create client")).toBeVisible();
    expect(screen.getAllByText(/^Refused:?$/)).toHaveLength(1);
    expect(screen.getByText("a call to create client")).toBeVisible();
  });
});
