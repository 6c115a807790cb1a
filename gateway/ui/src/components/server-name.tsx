import { useQuery } from "@connectrpc/connect-query";
import { ResourceServerService } from "~/api";

/** What a resource server is called now; its identifier where it is gone. */
export function ServerName({ identifier }: { identifier: string }) {
  return useServerName(identifier);
}

export function useServerName(identifier: string): string {
  const query = useQuery(
    ResourceServerService.method.getResourceServer,
    { identifier },
    { staleTime: 5 * 60_000, retry: false, enabled: identifier !== "" },
  );
  return query.data?.resourceServer?.displayName ?? identifier;
}
