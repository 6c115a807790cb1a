import type { Grant } from "~/api";
import { GrantBadge } from "~/components/badge";
import { DataTable, rowLink, type Column } from "~/components/data-table";
import { TextLink } from "~/components/links";
import { Scopes } from "~/components/mono";
import { ServerName } from "~/components/server-name";
import { Two } from "~/components/two";
import { When } from "~/components/when";
import { Who } from "~/components/who";
import { paths } from "~/lib/paths";
import { useSession } from "~/session/session";

/** Grants in rows; `subject` says what the rows are told apart by. */
export function GrantsTable({
  label,
  grants,
  subject = "client",
  namesServers = false,
  busy = false,
}: {
  label: string;
  grants: readonly Grant[];
  subject?: "client" | "resource-server";
  /** Whether to say beside the scopes whose they are, where they are of many resource servers. */
  namesServers?: boolean;
  busy?: boolean;
}) {
  const session = useSession();
  const columns: Column<Grant>[] = [
    {
      header: subject === "client" ? "Client" : "Resource server",
      width: "26%",
      cell: (grant) => (
        <Two
          first={
            <TextLink {...paths.grant(grant.grantId)} className={rowLink}>
              {subject === "client" ? (
                nameOfClient(grant)
              ) : (
                <ServerName identifier={grant.resourceServer} />
              )}
            </TextLink>
          }
          second={`Team ${session.teamName(subject === "client" ? grant.clientTeam : grant.resourceServerTeam)}`}
        />
      ),
    },
    {
      header: "Scopes",
      width: "38%",
      cell: (grant) =>
        namesServers ? (
          <Two
            first={<Scopes scopes={grant.scopes} />}
            second={<ServerName identifier={grant.resourceServer} />}
          />
        ) : (
          <Scopes scopes={grant.scopes} />
        ),
    },
    { header: "State", cell: (grant) => <GrantBadge state={grant.state} /> },
    {
      header: "Asked",
      cell: (grant) => (
        <Two
          first={<When time={grant.requestTime} />}
          second={<Who principal={grant.requester} />}
        />
      ),
    },
  ];
  return (
    <DataTable
      label={label}
      columns={columns}
      rows={grants}
      rowKey={(grant) => grant.grantId}
      busy={busy}
    />
  );
}

export const nameOfClient = (grant: Grant) =>
  grant.clientDisplayName === "" ? grant.clientId : grant.clientDisplayName;
