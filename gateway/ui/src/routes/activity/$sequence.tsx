import { useQuery } from "@connectrpc/connect-query";
import { Text } from "@mantine/core";
import { createFileRoute } from "@tanstack/react-router";
import { AuditService, PrincipalKind, type Event, type FieldChange } from "~/api";
import { sentence } from "~/api/errors";
import { StatusBadge } from "~/components/badge";
import { DataTable, TableSkeleton } from "~/components/data-table";
import { FaultPage, NotFoundPage } from "~/components/error-page";
import { TextLink } from "~/components/links";
import { Key } from "~/components/mono";
import { Fact, Facts, PageHeader, Panel } from "~/components/page";
import { When } from "~/components/when";
import { Who } from "~/components/who";
import { fieldInWords, listChange, valueInWords } from "~/lib/log-values";
import { refusalInWords } from "~/features/activity/summary";
import { SubjectLink } from "~/features/activity/subject-link";
import { actionInWords } from "~/features/activity/words";
import { paths } from "~/lib/paths";
import { inFull, toDate } from "~/lib/time";
import { list } from "~/lib/words";
import { useSession } from "~/session/session";

export const Route = createFileRoute("/activity/$sequence")({ component: EventPage });

function EventPage() {
  const { sequence } = Route.useParams();
  // A number that is none cannot be an event; 18 digits are within the contract's int64.
  return /^\d{1,18}$/.test(sequence) ? (
    <EventDetail sequence={BigInt(sequence)} />
  ) : (
    <NotFoundPage />
  );
}

function EventDetail({ sequence }: { sequence: bigint }) {
  const session = useSession();
  const query = useQuery(AuditService.method.getEvent, { sequence }, { staleTime: Infinity });
  if (query.error !== null)
    return <FaultPage error={query.error} retry={() => void query.refetch()} />;
  const event = query.data?.event;
  const parents = [{ label: "Activity", link: paths.activity() }];
  if (event === undefined) {
    return (
      <>
        <PageHeader title={`Event ${sequence}`} parents={parents} />
        <TableSkeleton />
      </>
    );
  }
  const time = toDate(event.time);
  return (
    <>
      <PageHeader
        title={actionInWords(event)}
        badge={
          event.action === "call.refused" ? (
            <StatusBadge tone="bad">Refused</StatusBadge>
          ) : undefined
        }
        subtitle={`Event ${sequence}`}
        parents={parents}
      />
      <Panel>
        <Facts>
          <Fact name="When">
            <When time={event.time} />
            <Text size="sm" c="dimmed">
              {time === undefined ? "" : inFull(time)}
            </Text>
          </Fact>
          <Fact name="Who">
            <Who principal={event.actor} />
            <Text size="sm" c="dimmed">
              {event.actor?.id}
            </Text>
            {session.readsAll && event.actor?.kind === PrincipalKind.STAFF && (
              <TextLink size="sm" {...paths.sessions({ person: event.actor.id })}>
                Their sessions
              </TextLink>
            )}
          </Fact>
          <Fact name="About">
            <SubjectLink event={event} />
          </Fact>
          {event.team !== "" && <Fact name="Team">{session.teamName(event.team)}</Fact>}
        </Facts>
        {event.reason !== "" && (
          <>
            <Text size="sm" c="dimmed" mt="md">
              Why
            </Text>
            <Text style={{ overflowWrap: "anywhere" }}>{event.reason}</Text>
          </>
        )}
        {event.refusal !== "" && (
          <>
            <Text size="sm" c="dimmed" mt="md">
              Refused with
            </Text>
            <Text>
              {sentence(refusalInWords(event.refusal))} <code>{event.refusal}</code>
            </Text>
          </>
        )}
      </Panel>
      <Panel title="What changed" flush={event.changes.length > 0}>
        {event.changes.length === 0 ? (
          <Text size="sm" c="dimmed">
            No field of the object changed.
          </Text>
        ) : (
          <DataTable
            label="Changed fields"
            rows={event.changes}
            rowKey={(change) => change.field}
            columns={[
              {
                header: "Field",
                width: "22%",
                cell: (change) => <b>{fieldInWords(change.field)}</b>,
              },
              {
                header: "Before",
                width: "39%",
                cell: (change) => <Value change={change} side="before" />,
              },
              { header: "After", cell: (change) => <Value change={change} side="after" /> },
            ]}
          />
        )}
      </Panel>
      <Proof event={event} />
    </>
  );
}

function Value({ change, side }: { change: FieldChange; side: "before" | "after" }) {
  const { field, before, after } = change;
  const quiet = (words: string) => (
    <Text span c="dimmed" inherit>
      {words}
    </Text>
  );
  // Of a list the log keeps what went and what came, not what stayed.
  const lists = before !== "" && after !== "" ? listChange(before, after) : undefined;
  if (lists !== undefined) {
    const [items, verb] = side === "before" ? [lists.removed, "removed"] : [lists.added, "added"];
    return items.length === 0 ? (
      quiet(`nothing ${verb}`)
    ) : (
      <>
        {quiet(`${verb} `)}
        {list(items)}
      </>
    );
  }
  const words = valueInWords(field, side === "before" ? before : after);
  return words === undefined ? quiet("nothing") : <span>{words}</span>;
}

/** For those who verify the log elsewhere, and for support. */
function Proof({ event }: { event: Event }) {
  return (
    <Panel title="For the record">
      <Facts>
        {event.requestId !== "" && (
          <Fact name="Request id">
            <Key value={event.requestId} what="request id" />
          </Fact>
        )}
        {event.method !== "" && (
          <Fact name="Method">
            <Key value={event.method} what="method" />
          </Fact>
        )}
        <Fact name="Action">
          <Key value={event.action} what="action" />
        </Fact>
        <Fact name="Hash">
          <Key value={event.hash} what="hash" />
        </Fact>
        <Fact name="Hash of the event before">
          <Key value={event.previousHash} what="hash of the event before" />
        </Fact>
      </Facts>
    </Panel>
  );
}
