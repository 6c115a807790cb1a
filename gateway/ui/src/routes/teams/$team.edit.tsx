import { useQuery } from "@connectrpc/connect-query";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { TeamService, type Team } from "~/api";
import { useCall, useChange } from "~/api/call";
import { TableSkeleton } from "~/components/data-table";
import { FaultPage } from "~/components/error-page";
import { ButtonLink } from "~/components/links";
import { PageHeader } from "~/components/page";
import { useServerForm } from "~/components/server-form";
import { TeamForm, teamOf, type TeamValues } from "~/features/teams/form";
import { paths } from "~/lib/paths";
import { teamProblems } from "~/lib/rules";
import { notify } from "~/shell/notify";

export const Route = createFileRoute("/teams/$team/edit")({ component: EditTeamPage });

function EditTeamPage() {
  const { team: key } = Route.useParams();
  // The form keeps what it began with: a refetch behind it must not change the etag it decides on.
  const query = useQuery(
    TeamService.method.getTeam,
    { team: key },
    { staleTime: Infinity, refetchOnMount: "always", gcTime: 0 },
  );
  const [generation, setGeneration] = useState(0);
  if (query.error !== null)
    return <FaultPage error={query.error} retry={() => void query.refetch()} />;
  const team = query.data?.team;
  return (
    <>
      <PageHeader
        title={team === undefined ? "Edit" : `Edit ${team.displayName}`}
        parents={[
          { label: "Teams", link: paths.teams() },
          { label: team?.displayName ?? key, link: paths.team(key) },
        ]}
      />
      {team === undefined || query.isFetching ? (
        <TableSkeleton />
      ) : (
        <EditForm
          key={`${team.etag} ${generation}`}
          team={team}
          reload={() => {
            setGeneration(generation + 1);
            void query.refetch();
          }}
        />
      )}
    </>
  );
}

function EditForm({ team, reload }: { team: Team; reload: () => void }) {
  const navigate = useNavigate();
  const call = useCall();
  const change = useChange();
  const input = (values: TeamValues) => ({
    team: { ...teamOf(values), etag: team.etag },
    updateMask: { paths: ["display_name", "contact", "directory_groups", "app_roles"] },
  });
  const server = useServerForm<TeamValues>({
    initialValues: {
      team: team.team,
      displayName: team.displayName,
      contact: team.contact,
      directoryGroups: team.directoryGroups.join("\n"),
      appRoles: team.appRoles.join("\n"),
    },
    rules: (values) => teamProblems(teamOf(values)),
    validate: (values) =>
      call(TeamService.method.updateTeam, { ...input(values), validateOnly: true }),
    save: async (values) => {
      await change(TeamService.method.updateTeam, input(values));
      notify(`${values.displayName} is saved`);
      await navigate(paths.team(team.team));
      return true;
    },
  });
  return (
    <TeamForm
      server={server}
      isNew={false}
      submitLabel="Save"
      reload={reload}
      cancel={
        <ButtonLink variant="default" {...paths.team(team.team)}>
          Cancel
        </ButtonLink>
      }
    />
  );
}
