import { useQuery } from "@connectrpc/connect-query";
import { IconPlus, IconServerBolt } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { ResourceServerService, type ResourceServer } from "~/api";
import { live } from "~/api/live";
import { DataTable, rowLink, TableSkeleton, type Column } from "~/components/data-table";
import { FaultAlert } from "~/components/fault";
import { TeamFilter } from "~/components/filters";
import { ButtonLink, TextLink } from "~/components/links";
import { Pager, SearchBox, Toolbar } from "~/components/list-page";
import { Empty, PageHeader, Panel } from "~/components/page";
import { Two } from "~/components/two";
import { paths } from "~/lib/paths";
import { compact, text } from "~/lib/search-params";
import { count } from "~/lib/words";
import { useSession } from "~/session/session";

export const Route = createFileRoute("/resource-servers/")({
  validateSearch: (search) =>
    compact({ team: text(search, "team"), text: text(search, "text"), page: text(search, "page") }),
  component: ResourceServersPage,
});

function ResourceServersPage() {
  const session = useSession();
  const search = Route.useSearch();
  const query = useQuery(
    ResourceServerService.method.listResourceServers,
    {
      pageSize: 25,
      pageToken: search.page ?? "",
      team: search.team ?? "",
      text: search.text ?? "",
    },
    { ...live, placeholderData: keepPreviousData },
  );
  const servers = query.data?.resourceServers ?? [];
  const filtered = search.text !== undefined || search.team !== undefined;
  const columns: Column<ResourceServer>[] = [
    {
      header: "Resource server",
      width: "34%",
      cell: (server) => (
        <Two
          first={
            <TextLink {...paths.resourceServer(server.identifier)} className={rowLink}>
              {server.displayName}
            </TextLink>
          }
          second={<code>{server.identifier}</code>}
        />
      ),
    },
    {
      header: "What it is for",
      width: "38%",
      wideOnly: true,
      cell: (server) => <span>{shorten(server.description)}</span>,
    },
    { header: "Scopes", cell: (server) => count(server.scopes.length, "scope") },
    { header: "Owner", cell: (server) => session.teamName(server.team) },
  ];
  return (
    <>
      <PageHeader
        title="Resource servers"
        subtitle="The catalogue of APIs and their scopes. Everyone can read it; the owning team decides who gets access."
        actions={
          <ButtonLink {...paths.newResourceServer()} leftSection={<IconPlus size={16} />}>
            Register a resource server
          </ButtonLink>
        }
      />
      <Toolbar>
        <SearchBox text={search.text} label="Search names, identifiers and scopes" />
        <TeamFilter team={search.team} everyone="All teams" others />
      </Toolbar>
      {query.error !== null && (
        <FaultAlert error={query.error} retry={() => void query.refetch()} />
      )}
      <Panel flush>
        {query.isPending && <TableSkeleton />}
        {query.isSuccess && servers.length > 0 && (
          <DataTable
            label="Resource servers"
            columns={columns}
            rows={servers}
            rowKey={(server) => server.identifier}
            busy={query.isPlaceholderData}
          />
        )}
        {query.isSuccess && servers.length === 0 && (
          <Empty
            icon={<IconServerBolt size={24} />}
            title={filtered ? "No resource server matches" : "The catalogue is empty"}
            action={
              filtered ? (
                <ButtonLink variant="default" {...paths.resourceServers()}>
                  Show all
                </ButtonLink>
              ) : (
                <ButtonLink {...paths.newResourceServer()}>Register the first one</ButtonLink>
              )
            }
          >
            {filtered
              ? "Try fewer words, or look at all teams."
              : "Register your API with its scopes; then other teams can ask for access to it."}
          </Empty>
        )}
        <Pager page={search.page} nextPageToken={query.data?.nextPageToken ?? ""} />
      </Panel>
    </>
  );
}

function shorten(words: string): string {
  return words.length > 120 ? `${words.slice(0, 118).trimEnd()} …` : words;
}
