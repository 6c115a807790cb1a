import type { Grant } from "~/api";
import { GrantBadge } from "~/components/badge";
import { DataTable, rowLink, type Column } from "~/components/data-table";
import { TextLink } from "~/components/links";
import { Scopes } from "~/components/mono";
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
  busy = false,
}: {
  label: string;
  grants: readonly Grant[];
  subject?: "client" | "resource-server";
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
              {subject === "client" ? nameOfClient(grant) : grant.resourceServer}
            </TextLink>
          }
          second={`Team ${session.teamName(subject === "client" ? grant.clientTeam : grant.resourceServerTeam)}`}
        />
      ),
    },
    { header: "Scopes", width: "38%", cell: (grant) => <Scopes scopes={grant.scopes} /> },
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
