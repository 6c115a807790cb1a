import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { Text } from "@mantine/core";
import type { ReactNode } from "react";
import { GrantState, type Grant } from "~/api";
import { Panel } from "~/components/page";
import { When } from "~/components/when";
import { Who } from "~/components/who";
import { toDate, toTheMinute } from "~/lib/time";
import classes from "./history.module.css";

interface Step {
  readonly key: "asked" | "decided" | "open" | "ended";
  readonly what: ReactNode;
  readonly time: Timestamp | undefined;
  readonly note: string;
  /** Whether the date matters: it stands there in full. */
  readonly isEnd?: boolean;
  readonly tone: "good" | "bad" | "plain" | "open";
}

/** Asked, decided, ended: who, when, and what they said. */
export function GrantHistory({ grant }: { grant: Grant }) {
  return (
    <Panel title="What happened">
      <ol className={classes.steps}>
        {stepsOf(grant).map((step) => (
          <li key={step.key} data-tone={step.tone}>
            <Text fw={600}>{step.what}</Text>
            {step.time !== undefined && (
              <Text size="sm" c="dimmed">
                <When time={step.time} />
                {step.isEnd && `, ${exact(step.time)}`}
              </Text>
            )}
            {step.note !== "" && <Text className={classes.note ?? ""}>{step.note}</Text>}
          </li>
        ))}
      </ol>
    </Panel>
  );
}

function exact(time: Timestamp): string {
  const date = toDate(time);
  return date === undefined ? "" : toTheMinute(date);
}

function stepsOf(grant: Grant): Step[] {
  const steps: Step[] = [
    {
      key: "asked",
      what: (
        <>
          <Who principal={grant.requester} /> asked for it
        </>
      ),
      time: grant.requestTime,
      note: "",
      tone: "plain",
    },
  ];
  if (grant.decideTime !== undefined) {
    const denied = grant.state === GrantState.DENIED;
    const same =
      grant.decider?.id === grant.requester?.id &&
      grant.decideTime.seconds === grant.requestTime?.seconds;
    steps.push({
      key: "decided",
      what: same ? (
        "Active at once: the one who asked may decide"
      ) : (
        <>
          <Who principal={grant.decider} /> {denied ? "denied" : "approved"} it
        </>
      ),
      time: grant.decideTime,
      note: grant.decisionNote,
      tone: denied ? "bad" : "good",
    });
  } else if (grant.state === GrantState.PENDING) {
    steps.push({
      key: "open",
      what: "Waiting for a decision",
      time: undefined,
      note: "",
      tone: "open",
    });
  }
  if (grant.state === GrantState.REVOKED || grant.state === GrantState.EXPIRED) {
    steps.push({
      key: "ended",
      what: grant.state === GrantState.EXPIRED ? "The grant expired" : "The grant was ended",
      time: grant.endTime,
      isEnd: true,
      note: grant.endReason,
      tone: "bad",
    });
  } else if (grant.expireTime !== undefined && grant.state === GrantState.ACTIVE) {
    steps.push({
      key: "open",
      what: "Ends by itself",
      time: grant.expireTime,
      isEnd: true,
      note: "",
      tone: "open",
    });
  }
  return steps;
}
