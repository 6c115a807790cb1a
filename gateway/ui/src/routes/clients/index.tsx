import { useQuery } from "@connectrpc/connect-query";
import { IconBuildingBroadcastTower, IconPlus } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { ClientService, ClientState, type Client } from "~/api";
import { live } from "~/api/live";
import { ClientBadge } from "~/components/badge";
import { DataTable, rowLink, TableSkeleton, type Column } from "~/components/data-table";
import { FaultAlert } from "~/components/fault";
import { ChoiceFilter, TeamFilter } from "~/components/filters";
import { ButtonLink, TextLink } from "~/components/links";
import { Pager, SearchBox, Toolbar } from "~/components/list-page";
import { Empty, PageHeader, Panel } from "~/components/page";
import { Two } from "~/components/two";
import { When } from "~/components/when";
import { paths } from "~/lib/paths";
import { compact, oneOf, text } from "~/lib/search-params";
import { count } from "~/lib/words";
import { useSession } from "~/session/session";

const states = { enabled: ClientState.ENABLED, disabled: ClientState.DISABLED } as const;

export const Route = createFileRoute("/clients/")({
  validateSearch: (search) =>
    compact({
      team: text(search, "team"),
      state: oneOf(search, "state", ["enabled", "disabled"]),
      text: text(search, "text"),
      page: text(search, "page"),
    }),
  component: ClientsPage,
});

function ClientsPage() {
  const session = useSession();
  const search = Route.useSearch();
  const query = useQuery(
    ClientService.method.listClients,
    {
      pageSize: 25,
      pageToken: search.page ?? "",
      team: search.team ?? "",
      state: search.state === undefined ? ClientState.UNSPECIFIED : states[search.state],
      text: search.text ?? "",
    },
    { ...live, placeholderData: keepPreviousData },
  );
  const clients = query.data?.clients ?? [];
  const filtered = Object.values(search).some((value) => value !== undefined);
  const columns: Column<Client>[] = [
    {
      header: "Client",
      width: "38%",
      cell: (client) => (
        <Two
          first={
            <TextLink {...paths.client(client.clientId)} className={rowLink}>
              {client.displayName}
            </TextLink>
          }
          second={<code>{client.clientId}</code>}
        />
      ),
    },
    { header: "State", cell: (client) => <ClientBadge state={client.state} /> },
    {
      header: "Scopes",
      cell: (client) =>
        client.scopes.length === 0 ? "none" : count(client.scopes.length, "scope"),
    },
    { header: "Changed", cell: (client) => <When time={client.updateTime} /> },
    { header: "Owner", cell: (client) => session.teamName(client.team) },
  ];
  return (
    <>
      <PageHeader
        title="Clients"
        subtitle={
          session.readsAll
            ? "Systems that get tokens: partners and services, of all teams."
            : "Systems of your teams that get tokens: partners and services."
        }
        actions={
          <ButtonLink {...paths.newClient()} leftSection={<IconPlus size={16} />}>
            Register a client
          </ButtonLink>
        }
      />
      <Toolbar>
        <SearchBox text={search.text} label="Search names and client ids" />
        <TeamFilter team={search.team} everyone="All teams" others={session.readsAll} />
        <ChoiceFilter
          name="state"
          label="State"
          value={search.state}
          choices={[
            { value: "", label: "Any state" },
            { value: "enabled", label: "Enabled" },
            { value: "disabled", label: "Disabled" },
          ]}
        />
      </Toolbar>
      {query.error !== null && (
        <FaultAlert error={query.error} retry={() => void query.refetch()} />
      )}
      <Panel flush>
        {query.isPending && <TableSkeleton />}
        {clients.length > 0 && (
          <DataTable
            label="Clients"
            columns={columns}
            rows={clients}
            rowKey={(client) => client.clientId}
            busy={query.isPlaceholderData}
          />
        )}
        {query.isSuccess && clients.length === 0 && (
          <Empty
            icon={<IconBuildingBroadcastTower size={24} />}
            title={filtered ? "No client matches" : "No clients yet"}
            action={
              filtered ? (
                <ButtonLink variant="default" {...paths.clients()}>
                  Show all
                </ButtonLink>
              ) : (
                <ButtonLink {...paths.newClient()}>Register a client</ButtonLink>
              )
            }
          >
            {filtered
              ? "Try fewer words, another state or all teams."
              : "A client stands for one system of a partner or of ours. Register it, choose the scopes it needs, and hand over its secret."}
          </Empty>
        )}
        <Pager page={search.page} nextPageToken={query.data?.nextPageToken ?? ""} />
      </Panel>
    </>
  );
}
