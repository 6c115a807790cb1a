import { createMemoryHistory } from "@tanstack/react-router";
import { expect, it } from "vitest";
import { createAppRouter } from "~/router";
import { paths } from "./paths";

it("keeps every address of the UI", () => {
  const router = createAppRouter(createMemoryHistory());
  const href = (link: { to: string }) => router.buildLocation(link as never).href;
  const client = "abcdefghijklmnopqrstuvwxyz";
  expect(
    Object.fromEntries(
      Object.entries({
        overview: paths.overview(),
        resourceServers: paths.resourceServers(),
        resourceServersOfTeam: paths.resourceServers({ team: "orders", text: "5" }),
        newResourceServer: paths.newResourceServer(),
        resourceServer: paths.resourceServer("lj-health-food"),
        resourceServerByUrl: paths.resourceServer("https://orders.example.com/v2"),
        resourceServerSecrets: paths.resourceServer("lj-health-food", { tab: "secrets" }),
        editResourceServer: paths.editResourceServer("https://orders.example.com/v2"),
        clients: paths.clients(),
        clientsDisabled: paths.clients({ state: "disabled", text: "nature & co" }),
        newClient: paths.newClient(),
        newClientWithScope: paths.newClient({ scope: "lj-health-food/place-order" }),
        client: paths.client(client),
        clientSettings: paths.client(client, { tab: "settings" }),
        editClient: paths.editClient(client),
        grants: paths.grants(),
        grantsWaiting: paths.grants({ view: "waiting" }),
        grantsOfServer: paths.grants({
          "resource-server": "https://orders.example.com/v2",
          state: "active",
        }),
        newGrant: paths.newGrant({ client, "resource-server": "lj-health-food" }),
        grant: paths.grant("gr_abc"),
        teams: paths.teams(),
        teamsOrphans: paths.teams({ state: "orphan" }),
        newTeam: paths.newTeam(),
        team: paths.team("orders"),
        editTeam: paths.editTeam("orders"),
        sessions: paths.sessions(),
        sessionsOfPerson: paths.sessions({ person: "olga" }),
        drift: paths.drift(),
        driftUnmanaged: paths.drift({ kind: "unmanaged" }),
        driftPending: paths.drift({ tab: "pending" }),
        activity: paths.activity(),
        activityOfClient: paths.activity({ client }),
        event: paths.event(42n),
      }).map(([name, link]) => [name, href(link)]),
    ),
  ).toMatchSnapshot();
});
