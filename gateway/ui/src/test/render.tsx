import type { Transport } from "@connectrpc/connect";
import { createMemoryHistory } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { App } from "~/app";
import {
  mockTransport,
  seededWorld,
  type BrowserSession,
  type PersonaId,
  type World,
} from "~/mock-api";
import { createQueryClient } from "~/query-client";
import { createAppRouter } from "~/router";

/** The whole application at an address, as one persona, on an API in memory. */
export function renderApp(
  path: string,
  {
    as = "olga",
    world = seededWorld(),
    session = { persona: as === "nobody" ? undefined : as },
    transport = mockTransport(session, world),
  }: {
    as?: PersonaId | "nobody";
    world?: World;
    session?: BrowserSession;
    transport?: Transport;
  } = {},
) {
  const history = createMemoryHistory({ initialEntries: [path] });
  const router = createAppRouter(history);
  const view = render(
    <App router={router} queryClient={createQueryClient()} transport={transport} env="test" />,
  );
  return {
    ...view,
    router,
    world,
    user: userEvent.setup(),
    /** Path and search of the page that is open. */
    address: () => router.state.location.href,
  };
}

/** The key of a seeded client. */
export function clientIdOf(world: World, displayName: string): string {
  const found = [...world.clients.values()].find((client) => client.displayName === displayName);
  if (found === undefined) throw new Error(`the mock has no client ${displayName}`);
  return found.clientId;
}

/** The key of a seeded grant that waits. */
export function pendingGrantOf(world: World, resourceServer: string): string {
  const found = [...world.grants.values()].find(
    (grant) => grant.resourceServer === resourceServer && grant.decider === undefined,
  );
  if (found === undefined) throw new Error(`nothing waits for ${resourceServer}`);
  return found.grantId;
}
