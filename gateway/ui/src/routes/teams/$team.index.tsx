import { useQuery } from "@connectrpc/connect-query";
import { Text } from "@mantine/core";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { TeamService, TeamState, type Team } from "~/api";
import { useCall, useRefresh } from "~/api/call";
import { live } from "~/api/live";
import { ActButton } from "~/components/act-button";
import { ActDialog } from "~/components/act-dialog";
import { StatusBadge, TeamBadge } from "~/components/badge";
import { DangerRow, DangerZone } from "~/components/danger";
import { TableSkeleton } from "~/components/data-table";
import { FaultPage } from "~/components/error-page";
import { ButtonLink } from "~/components/links";
import { Fact, Facts, PageHeader, Panel } from "~/components/page";
import { When } from "~/components/when";
import { paths } from "~/lib/paths";
import { useSession } from "~/session/session";
import { notify } from "~/shell/notify";

export const Route = createFileRoute("/teams/$team/")({ component: TeamPage });

function TeamPage() {
  const { team: key } = Route.useParams();
  const session = useSession();
  const query = useQuery(TeamService.method.getTeam, { team: key }, live);
  if (query.error !== null)
    return <FaultPage error={query.error} retry={() => void query.refetch()} />;
  const team = query.data?.team;
  if (team === undefined) return <TableSkeleton />;
  return (
    <>
      <PageHeader
        title={team.displayName}
        badge={
          <>
            {team.member && <StatusBadge tone="info">Yours</StatusBadge>}
            <TeamBadge state={team.state} />
          </>
        }
        subtitle={<code>{team.team}</code>}
        parents={[{ label: "Teams", link: paths.teams() }]}
        actions={
          session.isAdmin && (
            <ButtonLink variant="default" {...paths.editTeam(team.team)}>
              Edit
            </ButtonLink>
          )
        }
      />
      {team.state === TeamState.ORPHAN && (
        <Panel tone="attention" title="Nobody is left in this team">
          <Text size="sm">
            No member has signed in for 90 days. A platform admin can map another group or app role
            to it, or hand over what it owns.
          </Text>
        </Panel>
      )}
      <Panel title="About the team">
        <Facts>
          <Fact name="Contact">{team.contact === "" ? "none" : team.contact}</Fact>
          <Fact name="A member last signed in">
            <When time={team.lastMemberTime} />
          </Fact>
          <Fact name="Made">
            <When time={team.createTime} />
          </Fact>
        </Facts>
      </Panel>
      {session.readsAll && <Mapping team={team} />}
      <Panel title="What the team owns">
        <ButtonLink
          variant="default"
          size="xs"
          mr="xs"
          {...paths.resourceServers({ team: team.team })}
        >
          Resource servers
        </ButtonLink>
        <ButtonLink variant="default" size="xs" mr="xs" {...paths.clients({ team: team.team })}>
          Clients
        </ButtonLink>
        <ButtonLink variant="default" size="xs" {...paths.activity({ team: team.team })}>
          Activity
        </ButtonLink>
      </Panel>
      {session.isAdmin && <Deletion team={team} reload={() => void query.refetch()} />}
    </>
  );
}

function Mapping({ team }: { team: Team }) {
  return (
    <Panel title="Who its members are" hint="Whoever has one of these in the directory">
      <Facts>
        <Fact name="App roles">
          <Values values={team.appRoles} />
        </Fact>
        <Fact name="Directory groups">
          <Values values={team.directoryGroups} />
        </Fact>
      </Facts>
    </Panel>
  );
}

function Values({ values }: { values: readonly string[] }) {
  if (values.length === 0) return <>none</>;
  return (
    <>
      {values.map((value) => (
        <div key={value}>
          <code>{value}</code>
        </div>
      ))}
    </>
  );
}

function Deletion({ team, reload }: { team: Team; reload: () => void }) {
  const navigate = useNavigate();
  const call = useCall();
  const refresh = useRefresh();
  const [deleting, setDeleting] = useState(false);
  const { team: key, etag } = team;
  return (
    <>
      <DangerZone>
        <DangerRow
          title="Delete this team"
          action={
            <ActButton
              color="red"
              variant="outline"
              disabledReason={undefined}
              onClick={() => setDeleting(true)}
            >
              Delete
            </ActButton>
          }
        >
          Only a team that owns nothing can be deleted.
        </DangerRow>
      </DangerZone>
      {deleting && (
        <ActDialog
          title={`Delete the team ${team.displayName}?`}
          actLabel="Delete it"
          check={async () => {
            await call(TeamService.method.deleteTeam, { team: key, etag, validateOnly: true });
            return undefined;
          }}
          act={async () => {
            await call(TeamService.method.deleteTeam, { team: key, etag });
            notify(`${team.displayName} is deleted`);
            await navigate(paths.teams());
            // After leaving the page, so that it does not ask for what is gone.
            await refresh();
          }}
          onClose={() => setDeleting(false)}
          reload={() => {
            setDeleting(false);
            reload();
          }}
        >
          <code>{key}</code> and which groups and app roles make its members. This cannot be undone.
        </ActDialog>
      )}
    </>
  );
}
