import { useQuery } from "@connectrpc/connect-query";
import { TextInput } from "@mantine/core";
import { IconHistory } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { AuditService, type Event } from "~/api";
import { live } from "~/api/live";
import { StatusBadge } from "~/components/badge";
import { DataTable, rowLink, TableSkeleton, type Column } from "~/components/data-table";
import { ClientName } from "~/components/client-name";
import { FaultAlert } from "~/components/fault";
import { FilterChip } from "~/components/filter-chip";
import { ChoiceFilter, TeamFilter } from "~/components/filters";
import { ButtonLink, TextLink } from "~/components/links";
import { Pager, Toolbar, useSetSearch, useTyped } from "~/components/list-page";
import { Empty, PageHeader, Panel } from "~/components/page";
import { ServerName, useServerName } from "~/components/server-name";
import { Two } from "~/components/two";
import { When } from "~/components/when";
import { Who } from "~/components/who";
import { SubjectLink } from "~/features/activity/subject-link";
import { VerifyLog } from "~/features/activity/verify-log";
import { summaryOf } from "~/features/activity/summary";
import { aboutChoices, actionInWords, actionOf } from "~/features/activity/words";
import { paths } from "~/lib/paths";
import { compact, oneOf, text } from "~/lib/search-params";
import { toTimestamp } from "~/lib/time";
import { useSession } from "~/session/session";

const day = /^\d{4}-\d\d-\d\d$/;
const dayIn = (search: Record<string, unknown>, key: string) => {
  const value = text(search, key);
  return value !== undefined && day.test(value) && !Number.isNaN(Date.parse(value))
    ? value
    : undefined;
};

export const Route = createFileRoute("/activity/")({
  validateSearch: (search) =>
    compact({
      about: oneOf(search, "about", Object.keys(actionOf)),
      team: text(search, "team"),
      client: text(search, "client"),
      "resource-server": text(search, "resource-server"),
      actor: text(search, "actor"),
      from: dayIn(search, "from"),
      to: dayIn(search, "to"),
      page: text(search, "page"),
    }),
  component: ActivityPage,
});

/** The first moment of a day in the reader's time zone, `offset` days later. */
function startOf(date: string, offset = 0): Date {
  const start = new Date(`${date}T00:00:00`);
  start.setDate(start.getDate() + offset);
  return start;
}

function ActivityPage() {
  const session = useSession();
  const search = Route.useSearch();
  const query = useQuery(
    AuditService.method.listEvents,
    {
      pageSize: 30,
      pageToken: search.page ?? "",
      team: search.team ?? "",
      clientId: search.client ?? "",
      resourceServer: search["resource-server"] ?? "",
      actorId: search.actor ?? "",
      action: search.about === undefined ? "" : (actionOf[search.about] ?? ""),
      ...(search.from === undefined ? {} : { fromTime: toTimestamp(startOf(search.from)) }),
      // The day itself belongs to it.
      ...(search.to === undefined ? {} : { toTime: toTimestamp(startOf(search.to, 1)) }),
    },
    { ...live, placeholderData: keepPreviousData },
  );
  const events = query.data?.events ?? [];
  const filtered = Object.keys(search).some((key) => key !== "page");
  const columns: Column<Event>[] = [
    {
      header: "What",
      width: "36%",
      cell: (event) => (
        <Two
          first={
            <>
              <TextLink {...paths.event(event.sequence)} className={rowLink}>
                {actionInWords(event)}
              </TextLink>
              {event.action === "call.refused" && (
                <>
                  {" "}
                  <StatusBadge tone="bad">Refused</StatusBadge>
                </>
              )}
            </>
          }
          second={summaryOf(event)}
        />
      ),
    },
    {
      header: "About",
      plain: true,
      width: "38%",
      cell: (event) => (
        <Two
          first={<SubjectLink event={event} />}
          second={
            <>
              <IdentifierOf event={event} />
              {event.team !== "" && `Team ${session.teamName(event.team)}`}
            </>
          }
        />
      ),
    },
    {
      header: "Who, and when",
      plain: true,
      cell: (event) => (
        <Two
          first={<Who principal={event.actor} />}
          second={
            <>
              <When time={event.time} /> · event {String(event.sequence)}
            </>
          }
        />
      ),
    },
  ];
  return (
    <>
      <PageHeader
        title="Activity"
        subtitle={
          session.readsAll
            ? "The log: every change and every refused attempt at one, in one order without gaps."
            : "What happened to the resource servers, clients and grants of your teams."
        }
      />
      <VerifyLog />
      <Toolbar>
        <ChoiceFilter name="about" label="About what" value={search.about} choices={aboutChoices} />
        <TeamFilter team={search.team} everyone="All teams" others={session.readsAll} />
        <DayFilter name="from" label="From" value={search.from} />
        <DayFilter name="to" label="To" value={search.to} />
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
        <FilterChip name="actor" label="Who" value={search.actor} />
      </Toolbar>
      {query.error !== null && (
        <FaultAlert error={query.error} retry={() => void query.refetch()} />
      )}
      <Panel flush>
        {query.isPending && <TableSkeleton />}
        {events.length > 0 && (
          <DataTable
            label="Events"
            columns={columns}
            rows={events}
            rowKey={(event) => String(event.sequence)}
            busy={query.isPlaceholderData}
          />
        )}
        {query.isSuccess && events.length === 0 && (
          <Empty
            icon={<IconHistory size={24} />}
            title={filtered ? "No event matches" : "Nothing has happened yet"}
            action={
              filtered && (
                <ButtonLink variant="default" {...paths.activity()}>
                  Show all
                </ButtonLink>
              )
            }
          >
            {filtered
              ? "Try another time or fewer filters."
              : "Each change to a resource server, a client or a grant of your teams appears here."}
          </Empty>
        )}
        <Pager page={search.page} nextPageToken={query.data?.nextPageToken ?? ""} />
      </Panel>
    </>
  );
}

/** The identifier of the resource server, where its name is something else. */
function IdentifierOf({ event }: { event: Event }) {
  const { resourceServer, team } = event;
  const name = useServerName(resourceServer);
  if (name === resourceServer) return null;
  return (
    <>
      <code>{resourceServer}</code>
      {team !== "" && " · "}
    </>
  );
}

function DayFilter({
  name,
  label,
  value,
}: {
  name: string;
  label: string;
  value: string | undefined;
}) {
  const setSearch = useSetSearch();
  const { typed, setTyped, setSent } = useTyped(value ?? "");
  return (
    <TextInput
      type="date"
      aria-label={`${label} day`}
      leftSection={<span style={{ fontSize: "0.8rem" }}>{label}</span>}
      leftSectionWidth={48}
      w={190}
      value={typed}
      onChange={(event) => {
        const next = event.currentTarget.value;
        setTyped(next);
        // While a year is being typed the browser says 0002, 0020, 0202.
        if (next === "" || (day.test(next) && next >= "1970")) {
          setSent(next);
          setSearch({ [name]: next === "" ? undefined : next });
        }
      }}
    />
  );
}
