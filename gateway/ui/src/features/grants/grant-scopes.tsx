import { useQuery } from "@connectrpc/connect-query";
import { Text } from "@mantine/core";
import { ClientService, ResourceServerService, type Grant } from "~/api";
import { ScopeName, Scopes } from "~/components/mono";
import classes from "./grant-scopes.module.css";

/** What whoever decides has to know: each scope in the words of its owner. */
export function GrantScopes({ grant }: { grant: Grant }) {
  const query = useQuery(
    ResourceServerService.method.getResourceServer,
    { identifier: grant.resourceServer },
    { retry: false },
  );
  const server = query.data?.resourceServer;
  const descriptions = new Map(
    server?.scopes.map((scope) => [`${server.identifier}/${scope.name}`, scope.description]),
  );
  return (
    <ul className={classes.scopes} aria-label="Scopes">
      {grant.scopes.map((scope) => (
        <li key={scope}>
          <ScopeName scope={scope} />
          <span>
            {descriptions.get(scope) ?? (server === undefined ? "" : "No longer offered")}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** What the client may do on the same resource server as it is. */
export function HeldAlready({ grant }: { grant: Grant }) {
  const query = useQuery(
    ClientService.method.getClient,
    { clientId: grant.clientId },
    { retry: false },
  );
  const client = query.data?.client;
  // Whoever may not see the client sees the request all the same.
  if (client === undefined) return null;
  const held = client.scopes.filter(
    (scope) => scope.slice(0, scope.lastIndexOf("/")) === grant.resourceServer,
  );
  return (
    <div>
      <Text size="sm" c="dimmed" mb={4}>
        The client holds already
      </Text>
      {held.length === 0 ? (
        <Text size="sm">Nothing of this resource server</Text>
      ) : (
        <Scopes scopes={held} />
      )}
    </div>
  );
}
