import { createQueryOptions, useTransport } from "@connectrpc/connect-query";
import { useQueries } from "@tanstack/react-query";
import { ClientService, ClientState, ResourceServerService } from "~/api";

const minute = 60_000;

/** Which of these clients are disabled; one that the user may not see counts as enabled. */
export function useDisabled(clientIds: readonly string[]): ReadonlySet<string> {
  const transport = useTransport();
  return useQueries({
    queries: clientIds.map((clientId) => ({
      ...createQueryOptions(ClientService.method.getClient, { clientId }, { transport }),
      retry: false,
      // A grant says nothing of it, so each client is asked for: less often than the lists.
      refetchInterval: minute,
    })),
    combine: (answers) =>
      new Set(
        answers.flatMap(({ data }) =>
          data?.client?.state === ClientState.DISABLED ? [data.client.clientId] : [],
        ),
      ),
  });
}

/** What these resource servers are called, as far as it is known. */
export function useServerNames(identifiers: readonly string[]): ReadonlyMap<string, string> {
  const transport = useTransport();
  return useQueries({
    queries: identifiers.map((identifier) => ({
      ...createQueryOptions(
        ResourceServerService.method.getResourceServer,
        { identifier },
        { transport },
      ),
      retry: false,
      staleTime: 5 * minute,
    })),
    combine: (answers) =>
      new Map(
        answers.flatMap(({ data }) =>
          data?.resourceServer === undefined
            ? []
            : [[data.resourceServer.identifier, data.resourceServer.displayName] as const],
        ),
      ),
  });
}
