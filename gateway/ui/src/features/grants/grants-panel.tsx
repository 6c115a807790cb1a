import { useQuery } from "@connectrpc/connect-query";
import { IconKey } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { GrantService } from "~/api";
import { live } from "~/api/live";
import { TableSkeleton } from "~/components/data-table";
import { FaultAlert } from "~/components/fault";
import { ButtonLink } from "~/components/links";
import { Empty, Panel } from "~/components/page";
import { paths } from "~/lib/paths";
import { GrantsTable } from "./grants-table";

/** The newest grants of one client or one resource server, with the way to all of them. */
export function GrantsPanel({
  title,
  hint,
  actions,
  of,
  empty,
}: {
  title: string;
  hint: ReactNode;
  actions?: ReactNode;
  of: { clientId: string } | { resourceServer: string };
  empty: { title: string; text: ReactNode; action?: ReactNode };
}) {
  const query = useQuery(GrantService.method.listGrants, { ...of, pageSize: 20 }, live);
  const grants = query.data?.grants ?? [];
  const all = "clientId" in of ? { client: of.clientId } : { "resource-server": of.resourceServer };
  return (
    <Panel title={title} hint={hint} actions={actions} flush>
      {query.error !== null && (
        <FaultAlert error={query.error} retry={() => void query.refetch()} />
      )}
      {query.isPending && <TableSkeleton rows={3} />}
      {query.isSuccess && grants.length === 0 && (
        <Empty icon={<IconKey size={24} />} title={empty.title} action={empty.action}>
          {empty.text}
        </Empty>
      )}
      {grants.length > 0 && (
        <GrantsTable
          label={title}
          grants={grants}
          subject={"clientId" in of ? "resource-server" : "client"}
        />
      )}
      {(query.data?.nextPageToken ?? "") !== "" && (
        <ButtonLink variant="subtle" size="compact-sm" m="sm" {...paths.grants(all)}>
          See all grants
        </ButtonLink>
      )}
    </Panel>
  );
}
