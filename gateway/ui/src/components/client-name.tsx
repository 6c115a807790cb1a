import { useQuery } from "@connectrpc/connect-query";
import { ClientService } from "~/api";

/** What a client is called now; its id where it is gone, or not for this reader. */
export function ClientName({ clientId }: { clientId: string }) {
  const query = useQuery(
    ClientService.method.getClient,
    { clientId },
    { staleTime: 5 * 60_000, retry: false },
  );
  return query.data?.client?.displayName ?? clientId;
}
