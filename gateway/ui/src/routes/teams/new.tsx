import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { useRef } from "react";
import { TeamService } from "~/api";
import { useCall, useChange } from "~/api/call";
import { ButtonLink } from "~/components/links";
import { PageHeader } from "~/components/page";
import { useServerForm } from "~/components/server-form";
import { TeamForm, teamOf, type TeamValues } from "~/features/teams/form";
import { newRequestId } from "~/lib/clipboard";
import { paths } from "~/lib/paths";
import { teamProblems } from "~/lib/rules";
import { notify } from "~/shell/notify";

export const Route = createFileRoute("/teams/new")({ component: NewTeamPage });

function NewTeamPage() {
  const navigate = useNavigate();
  const call = useCall();
  const change = useChange();
  const requestId = useRef(newRequestId());
  const server = useServerForm<TeamValues>({
    initialValues: { team: "", displayName: "", contact: "", directoryGroups: "", appRoles: "" },
    existsField: "team",
    rules: (values) => teamProblems(teamOf(values)),
    validate: (values) =>
      call(TeamService.method.createTeam, { team: teamOf(values), validateOnly: true }),
    save: async (values) => {
      await change(TeamService.method.createTeam, {
        team: teamOf(values),
        requestId: requestId.current,
      });
      notify(`${values.displayName} is made`);
      await navigate(paths.team(values.team));
      return true;
    },
  });
  return (
    <>
      <PageHeader
        title="Make a team"
        subtitle="People of the company who own resource servers and clients together."
        parents={[{ label: "Teams", link: paths.teams() }]}
      />
      <TeamForm
        server={server}
        isNew
        submitLabel="Make the team"
        cancel={
          <ButtonLink variant="default" {...paths.teams()}>
            Cancel
          </ButtonLink>
        }
      />
    </>
  );
}
