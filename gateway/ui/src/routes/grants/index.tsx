import { useQuery } from "@connectrpc/connect-query";
import { SegmentedControl } from "@mantine/core";
import { IconKey, IconPlus } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { GrantService, GrantState } from "~/api";
import { live } from "~/api/live";
import { TableSkeleton } from "~/components/data-table";
import { ClientName } from "~/components/client-name";
import { FaultAlert } from "~/components/fault";
import { ChoiceFilter, TeamFilter } from "~/components/filters";
import { ButtonLink } from "~/components/links";
import { Pager, SearchBox, Toolbar, useSetSearch } from "~/components/list-page";
import { Empty, PageHeader, Panel } from "~/components/page";
import { ServerName } from "~/components/server-name";
import { FilterChip } from "~/components/filter-chip";
import { GrantsTable } from "~/features/grants/grants-table";
import { grantStates, paths } from "~/lib/paths";
import { compact, oneOf, text } from "~/lib/search-params";
import { useSession } from "~/session/session";

const states = {
  pending: GrantState.PENDING,
  active: GrantState.ACTIVE,
  denied: GrantState.DENIED,
  revoked: GrantState.REVOKED,
  expired: GrantState.EXPIRED,
} as const;

export const Route = createFileRoute("/grants/")({
  validateSearch: (search) =>
    compact({
      view: oneOf(search, "view", ["waiting"]),
      state: oneOf(search, "state", grantStates),
      team: text(search, "team"),
      client: text(search, "client"),
      "resource-server": text(search, "resource-server"),
      text: text(search, "text"),
      page: text(search, "page"),
    }),
  component: GrantsPage,
});

function GrantsPage() {
  const session = useSession();
  const search = Route.useSearch();
  const setSearch = useSetSearch();
  const waiting = search.view === "waiting";
  const query = useQuery(
    GrantService.method.listGrants,
    {
      pageSize: 25,
      pageToken: search.page ?? "",
      waitingForMe: waiting,
      state: search.state === undefined ? GrantState.UNSPECIFIED : states[search.state],
      team: search.team ?? "",
      clientId: search.client ?? "",
      resourceServer: search["resource-server"] ?? "",
      text: search.text ?? "",
    },
    { ...live, placeholderData: keepPreviousData },
  );
  const grants = query.data?.grants ?? [];
  const { view: _view, page: _page, ...filters } = search;
  const filtered = Object.keys(filters).length > 0;
  return (
    <>
      <PageHeader
        title="Grants"
        subtitle="Which client was given which scopes, why, and by whom."
        actions={
          <ButtonLink {...paths.newGrant()} leftSection={<IconPlus size={16} />}>
            Ask for access
          </ButtonLink>
        }
      />
      <Toolbar>
        <SegmentedControl
          aria-label="Which grants"
          value={search.view ?? "all"}
          onChange={(value) =>
            setSearch(
              value === "waiting" ? { view: "waiting", state: undefined } : { view: undefined },
            )
          }
          data={[
            { value: "all", label: "All" },
            { value: "waiting", label: "Waiting for me" },
          ]}
        />
        <SearchBox text={search.text} label="Search clients, reasons and scopes" />
        {!waiting && (
          <ChoiceFilter
            name="state"
            label="State"
            value={search.state}
            choices={[
              { value: "", label: "Any state" },
              { value: "pending", label: "Waiting" },
              { value: "active", label: "Active" },
              { value: "denied", label: "Denied" },
              { value: "revoked", label: "Revoked" },
              { value: "expired", label: "Expired" },
            ]}
          />
        )}
        <TeamFilter team={search.team} everyone="All teams" others={session.readsAll} />
        <FilterChip
          name="client"
          label="Client"
          value={search.client}
          called={(clientId) => <ClientName clientId={clientId} />}
        />
        <FilterChip
          name="resource-server"
          label="Resource server"
          value={search["resource-server"]}
          called={(identifier) => <ServerName identifier={identifier} />}
        />
      </Toolbar>
      {query.error !== null && (
        <FaultAlert error={query.error} retry={() => void query.refetch()} />
      )}
      <Panel flush>
        {query.isPending && <TableSkeleton />}
        {grants.length > 0 && (
          <GrantsTable label="Grants" namesServers grants={grants} busy={query.isPlaceholderData} />
        )}
        {query.isSuccess && grants.length === 0 && (
          <Empty
            icon={<IconKey size={24} />}
            title={
              filtered ? "No grant matches" : waiting ? "Nothing waits for you" : "No grants yet"
            }
            action={
              filtered || waiting ? (
                <ButtonLink variant="default" {...paths.grants()}>
                  Show all grants
                </ButtonLink>
              ) : (
                <ButtonLink {...paths.newGrant()}>Ask for access</ButtonLink>
              )
            }
          >
            {filtered
              ? "Try fewer words or fewer filters."
              : waiting
                ? "When a team asks for scopes of your resource servers, the request appears here."
                : "Ask for scopes for one of your clients; the team that owns the resource server decides."}
          </Empty>
        )}
        <Pager page={search.page} nextPageToken={query.data?.nextPageToken ?? ""} />
      </Panel>
    </>
  );
}
