import type { ReactNode } from "react";
import type { ClientState, GrantState, TeamState } from "~/api";
import { clientStateWords, grantStateWords, teamStateWords, type Tone } from "~/lib/words";
import classes from "./badge.module.css";

/** A state in a word. Own colours: Mantine's light badges are below 4.5:1. */
export function StatusBadge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className={classes.badge} data-tone={tone}>
      {children}
    </span>
  );
}

export function GrantBadge({ state }: { state: GrantState }) {
  const { label, tone } = grantStateWords[state];
  return <StatusBadge tone={tone}>{label}</StatusBadge>;
}

export function ClientBadge({ state }: { state: ClientState }) {
  const { label, tone } = clientStateWords[state];
  return <StatusBadge tone={tone}>{label}</StatusBadge>;
}

export function TeamBadge({ state }: { state: TeamState }) {
  const { label, tone } = teamStateWords[state];
  return <StatusBadge tone={tone}>{label}</StatusBadge>;
}
