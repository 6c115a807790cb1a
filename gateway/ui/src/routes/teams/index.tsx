import { useQuery } from "@connectrpc/connect-query";
import { IconPlus, IconUsersGroup } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { TeamService, TeamState, type Team } from "~/api";
import { live } from "~/api/live";
import { StatusBadge, TeamBadge } from "~/components/badge";
import { DataTable, rowLink, TableSkeleton, type Column } from "~/components/data-table";
import { FaultAlert } from "~/components/fault";
import { ChoiceFilter } from "~/components/filters";
import { ButtonLink, TextLink } from "~/components/links";
import { Pager, SearchBox, Toolbar } from "~/components/list-page";
import { Empty, PageHeader, Panel } from "~/components/page";
import { Two } from "~/components/two";
import { When } from "~/components/when";
import { paths, teamStates } from "~/lib/paths";
import { compact, oneOf, text } from "~/lib/search-params";
import { useSession } from "~/session/session";

export const Route = createFileRoute("/teams/")({
  validateSearch: (search) =>
    compact({
      text: text(search, "text"),
      state: oneOf(search, "state", teamStates),
      page: text(search, "page"),
    }),
  component: TeamsPage,
});

const stateOf = { active: TeamState.ACTIVE, orphan: TeamState.ORPHAN } as const;

const choices = [
  { value: "", label: "All teams" },
  { value: "active", label: "Active" },
  { value: "orphan", label: "Orphans" },
] as const;

function TeamsPage() {
  const session = useSession();
  const search = Route.useSearch();
  const query = useQuery(
    TeamService.method.listTeams,
    {
      pageSize: 25,
      pageToken: search.page ?? "",
      text: search.text ?? "",
      state: search.state === undefined ? TeamState.UNSPECIFIED : stateOf[search.state],
    },
    { ...live, placeholderData: keepPreviousData },
  );
  const teams = query.data?.teams ?? [];
  const filtered = search.text !== undefined || search.state !== undefined;
  const columns: Column<Team>[] = [
    {
      header: "Team",
      width: "34%",
      cell: (team) => (
        <Two
          first={
            <>
              <TextLink {...paths.team(team.team)} className={rowLink}>
                {team.displayName}
              </TextLink>
              {team.member && (
                <>
                  {" "}
                  <StatusBadge tone="info">Yours</StatusBadge>
                </>
              )}
            </>
          }
          second={<code>{team.team}</code>}
        />
      ),
    },
    { header: "Contact", width: "30%", wideOnly: true, cell: (team) => team.contact },
    {
      header: "Member last seen",
      wideOnly: true,
      cell: (team) => <When time={team.lastMemberTime} />,
    },
    {
      header: "State",
      cell: (team) => <TeamBadge state={team.state} />,
    },
  ];
  return (
    <>
      <PageHeader
        title="Teams"
        subtitle="Who owns resource servers and clients. An orphan is a team of which no member has signed in for 90 days."
        actions={
          session.isAdmin && (
            <ButtonLink {...paths.newTeam()} leftSection={<IconPlus size={16} />}>
              Make a team
            </ButtonLink>
          )
        }
      />
      <Toolbar>
        <SearchBox text={search.text} label="Search names, keys and contacts" />
        <ChoiceFilter name="state" label="State" value={search.state} choices={choices} />
      </Toolbar>
      {query.error !== null && (
        <FaultAlert error={query.error} retry={() => void query.refetch()} />
      )}
      <Panel flush>
        {query.isPending && <TableSkeleton />}
        {query.isSuccess && teams.length > 0 && (
          <DataTable
            label="Teams"
            columns={columns}
            rows={teams}
            rowKey={(team) => team.team}
            busy={query.isPlaceholderData}
          />
        )}
        {query.isSuccess && teams.length === 0 && (
          <Empty
            icon={<IconUsersGroup size={24} />}
            title={filtered ? "No team matches" : "There are no teams"}
            {...(filtered
              ? {
                  action: (
                    <ButtonLink variant="default" {...paths.teams()}>
                      Show all
                    </ButtonLink>
                  ),
                }
              : {})}
          >
            {filtered ? "Try fewer words." : "A platform admin makes them."}
          </Empty>
        )}
        <Pager page={search.page} nextPageToken={query.data?.nextPageToken ?? ""} />
      </Panel>
    </>
  );
}
