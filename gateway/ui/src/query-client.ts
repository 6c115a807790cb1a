import { QueryCache, QueryClient } from "@tanstack/react-query";
import { sessionKey } from "~/api/call";
import { isOfTheSession, isTransient } from "~/api/errors";

export function createQueryClient(): QueryClient {
  // A session that ends while the page is open shows at the next call, whatever it asks for: ask who
  // we are, and the session's gate puts up the signed-out page.
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        // Asking for the session because asking for the session failed would never end.
        if (query.meta?.["session"] !== true && isOfTheSession(error)) {
          void client.invalidateQueries({ queryKey: sessionKey });
        }
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (failures, error) => failures < 2 && isTransient(error),
      },
    },
  });
  return client;
}
