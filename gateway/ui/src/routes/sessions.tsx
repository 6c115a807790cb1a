import { Group } from "@mantine/core";
import { useQuery } from "@connectrpc/connect-query";
import { IconDeviceDesktop } from "@tabler/icons-react";
import { createFileRoute } from "@tanstack/react-router";
import { useState } from "react";
import { SessionService, SessionState, type BrowserSession } from "~/api";
import { useChange } from "~/api/call";
import { live } from "~/api/live";
import { ActButton } from "~/components/act-button";
import { ActDialog } from "~/components/act-dialog";
import { StatusBadge } from "~/components/badge";
import { DataTable, TableSkeleton, type Column } from "~/components/data-table";
import { FaultPage } from "~/components/error-page";
import { Pager } from "~/components/list-page";
import { Empty, PageHeader, Panel } from "~/components/page";
import { Two } from "~/components/two";
import { End, When } from "~/components/when";
import { thisBrowser } from "~/features/sessions/this-browser";
import { compact, text } from "~/lib/search-params";
import { fromNow, inFull, toDate } from "~/lib/time";
import { nameOf, type Tone } from "~/lib/words";
import { useSession } from "~/session/session";
import { notify } from "~/shell/notify";

export const Route = createFileRoute("/sessions")({
  validateSearch: (search) =>
    compact({ person: text(search, "person"), page: text(search, "page") }),
  component: SessionsPage,
});

const stateWords: Record<SessionState, { label: string; tone: Tone }> = {
  [SessionState.UNSPECIFIED]: { label: "Unknown", tone: "quiet" },
  [SessionState.LIVE]: { label: "Signed in", tone: "good" },
  [SessionState.SIGNED_OUT]: { label: "Signed out", tone: "quiet" },
  [SessionState.ENDED]: { label: "Ended from elsewhere", tone: "quiet" },
  [SessionState.REFUSED]: { label: "Refused by the directory", tone: "bad" },
  [SessionState.EXPIRED]: { label: "Expired", tone: "quiet" },
};

/** In which browsers somebody has signed in: the user, or for those who may, another person. */
function SessionsPage() {
  const { person, page } = Route.useSearch();
  const me = useSession();
  const [ending, setEnding] = useState<BrowserSession>();
  const isOwn = person === undefined || person === me.id;
  const query = useQuery(
    SessionService.method.listSessions,
    { personId: isOwn ? "" : person, pageSize: 50, pageToken: page ?? "" },
    live,
  );
  if (query.error !== null && query.data === undefined) {
    return <FaultPage error={query.error} retry={() => void query.refetch()} />;
  }
  // The server begins with the oldest; who looks for a browser wants the one used last.
  const sessions = (query.data?.sessions ?? []).toReversed();
  const here = isOwn ? thisBrowser(sessions, me.expireTime) : undefined;
  const name = isOwn ? me.name : nameOf(sessions[0]?.person) || person;
  const mayEnd = isOwn || me.isAdmin;
  const columns: Column<BrowserSession>[] = [
    {
      header: "Signed in",
      width: "30%",
      cell: (session) => (
        <Two first={<When time={session.createTime} />} second={exact(session.createTime)} />
      ),
    },
    {
      header: "State",
      plain: true,
      cell: ({ state, sessionId }) => (
        <Group gap={6}>
          <StatusBadge tone={stateWords[state].tone}>{stateWords[state].label}</StatusBadge>
          {sessionId === here && <StatusBadge tone="info">This browser</StatusBadge>}
        </Group>
      ),
    },
    { header: "Last used", cell: (session) => <When time={session.lastSeenTime} /> },
    {
      header: "Ends",
      cell: ({ state, expireTime }) =>
        state === SessionState.LIVE ? <End time={expireTime} absent="no end" /> : "over",
    },
    {
      header: "Act",
      headless: true,
      plain: true,
      width: "7rem",
      cell: (session) =>
        session.state === SessionState.LIVE && (
          <ActButton
            size="xs"
            variant="default"
            aria-label={`End the session of ${exact(session.createTime)}`}
            disabledReason={mayEnd ? undefined : "Only they and platform admins may do this"}
            onClick={() => setEnding(session)}
          >
            End it
          </ActButton>
        ),
    },
  ];
  return (
    <>
      <PageHeader
        title={isOwn ? "Your sessions" : `Sessions of ${name}`}
        subtitle={`Each browser in which ${isOwn ? "you have" : "they have"} signed in, told apart by when it signed in and when it was last used. A session that ended stays here for some hours.`}
      />
      <Panel flush>
        {query.isPending && <TableSkeleton rows={3} />}
        {sessions.length > 0 && (
          <DataTable
            label="Sessions"
            columns={columns}
            rows={sessions}
            rowKey={(session) => session.sessionId}
          />
        )}
        {query.isSuccess && sessions.length === 0 && (
          <Empty icon={<IconDeviceDesktop size={24} />} title="No session">
            {isOwn ? "You have" : `${name} has`} not signed in during the last hours.
          </Empty>
        )}
        <Pager page={page} nextPageToken={query.data?.nextPageToken ?? ""} />
      </Panel>
      {ending !== undefined && (
        <EndDialog
          session={ending}
          isOwn={isOwn}
          isHere={ending.sessionId === here}
          name={name}
          onClose={() => setEnding(undefined)}
        />
      )}
    </>
  );
}

function EndDialog({
  session,
  isOwn,
  isHere,
  name,
  onClose,
}: {
  session: BrowserSession;
  isOwn: boolean;
  isHere: boolean;
  name: string;
  onClose: () => void;
}) {
  const change = useChange();
  const used = toDate(session.lastSeenTime);
  return (
    <ActDialog
      title={isOwn ? "End this session of yours?" : `End this session of ${name}?`}
      actLabel="End it"
      act={async () => {
        await change(SessionService.method.endSession, { sessionId: session.sessionId });
        notify("The session is ended");
      }}
      onClose={onClose}
    >
      Signed in {exact(session.createTime)}
      {used !== undefined && `, last used ${fromNow(used)}`}. The browser has to sign in again, from
      the next second on.{isHere && " It is the browser you are looking at."}
    </ActDialog>
  );
}

function exact(time: BrowserSession["createTime"]): string {
  const date = toDate(time);
  return date === undefined ? "" : inFull(date);
}
