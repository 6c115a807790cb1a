import { useQuery } from "@connectrpc/connect-query";
import { Text } from "@mantine/core";
import { createFileRoute } from "@tanstack/react-router";
import { AuditService, type Event, type FieldChange } from "~/api";
import { StatusBadge } from "~/components/badge";
import { DataTable, TableSkeleton } from "~/components/data-table";
import { FaultPage, NotFoundPage } from "~/components/error-page";
import { TextLink } from "~/components/links";
import { Key } from "~/components/mono";
import { Fact, Facts, PageHeader, Panel } from "~/components/page";
import { When } from "~/components/when";
import { fieldInWords, listChange, valueInWords } from "~/features/activity/changes";
import { SubjectLink } from "~/features/activity/subject-link";
import { actionInWords } from "~/features/activity/words";
import { paths } from "~/lib/paths";
import { inFull, toDate } from "~/lib/time";
import { list, nameOf } from "~/lib/words";
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
  const parents = [
    <TextLink key="list" {...paths.activity()}>
      Activity
    </TextLink>,
  ];
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
            {nameOf(event.actor)}
            <Text size="sm" c="dimmed">
              {event.actor?.id}
            </Text>
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
              <code>{event.refusal}</code>
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
                cell: (change) => <Value field={change.field} json={change.before} />,
              },
              {
                header: "After",
                cell: (change) => (
                  <>
                    <Value field={change.field} json={change.after} />
                    <Difference change={change} />
                  </>
                ),
              },
            ]}
          />
        )}
      </Panel>
      <Proof event={event} />
    </>
  );
}

function Value({ field, json }: { field: string; json: string }) {
  const words = valueInWords(field, json);
  return words === undefined ? (
    <Text span c="dimmed" inherit>
      nothing
    </Text>
  ) : (
    <span>{words}</span>
  );
}

function Difference({ change }: { change: FieldChange }) {
  if (change.before === "" || change.after === "") return null;
  const difference = listChange(change.before, change.after);
  if (difference === undefined) return null;
  const words = [
    ...(difference.added.length > 0 ? [`added ${list(difference.added)}`] : []),
    ...(difference.removed.length > 0 ? [`removed ${list(difference.removed)}`] : []),
  ];
  return words.length === 0 ? null : (
    <Text size="sm" c="dimmed">
      {words.join("; ")}
    </Text>
  );
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
