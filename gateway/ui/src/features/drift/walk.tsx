import { timestampMs } from "@bufbuild/protobuf/wkt";
import { useState } from "react";
import { ReconcileService, type ListDriftResponse } from "~/api";
import { useChange } from "~/api/call";
import { ActButton } from "~/components/act-button";
import { StatusBadge } from "~/components/badge";
import { Fact, Facts, Panel } from "~/components/page";
import { When } from "~/components/when";
import { durationInWords } from "~/lib/time";
import { count } from "~/lib/words";
import { useSession } from "~/session/session";
import { PageActions } from "~/shell/page-actions";
import { notify, notifyFault } from "~/shell/notify";

/** When the pool was last looked through, and how much of it. */
export function LastWalk({ state }: { state: ListDriftResponse }) {
  const { walkStartTime: start, walkEndTime: end } = state;
  const took =
    start === undefined || end === undefined
      ? undefined
      : Math.max(1, Math.round((timestampMs(end) - timestampMs(start)) / 1000));
  return (
    <Panel>
      <Facts>
        <Fact name="Last walk ended">
          <When time={end} absent="none has ended yet" />
        </Fact>
        {took !== undefined && (
          <>
            <Fact name="Took">{durationInWords(took)}</Fact>
            <Fact name="Looked at">{count(Number(state.walkLookedAt), "object")}</Fact>
          </>
        )}
        <Fact name="Now">
          {state.walking ? (
            <StatusBadge tone="info">A walk goes on</StatusBadge>
          ) : (
            "no walk goes on"
          )}
        </Fact>
      </Facts>
    </Panel>
  );
}

/** Asks for a walk; the button stays where it may not be used, and says why. */
export function StartWalk({
  state,
  onStart,
}: {
  state: ListDriftResponse | undefined;
  onStart: () => void;
}) {
  const session = useSession();
  const change = useChange();
  const [busy, setBusy] = useState(false);
  const reason = reasonAgainst(state, session.isAdmin);
  const start = async () => {
    setBusy(true);
    try {
      await change(ReconcileService.method.startWalk, {});
      notify("A walk was asked for", "The walk begins within seconds.");
      onStart();
    } catch (error) {
      notifyFault(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <PageActions
        actions={
          reason === undefined
            ? [{ label: "Start a walk", keywords: "drift pool check", run: () => void start() }]
            : []
        }
      />
      <ActButton loading={busy} disabledReason={reason} onClick={() => void start()}>
        Start a walk
      </ActButton>
    </>
  );
}

function reasonAgainst(state: ListDriftResponse | undefined, isAdmin: boolean): string | undefined {
  if (state === undefined) return "Loading";
  if (!state.hasPool) return "There is no pool to walk through";
  if (!isAdmin) return "Only platform admins may do this";
  return state.walking ? "A walk goes on" : undefined;
}
