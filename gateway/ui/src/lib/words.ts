import { ClientState, GrantState, PrincipalKind, TeamState, type Principal } from "~/api";

export type Tone = "good" | "waiting" | "bad" | "quiet" | "info";

export const grantStateWords: Record<GrantState, { label: string; tone: Tone }> = {
  [GrantState.UNSPECIFIED]: { label: "Unknown", tone: "quiet" },
  [GrantState.PENDING]: { label: "Waiting", tone: "waiting" },
  [GrantState.ACTIVE]: { label: "Active", tone: "good" },
  [GrantState.DENIED]: { label: "Denied", tone: "bad" },
  [GrantState.REVOKED]: { label: "Revoked", tone: "quiet" },
  [GrantState.EXPIRED]: { label: "Expired", tone: "quiet" },
};

export const clientStateWords: Record<ClientState, { label: string; tone: Tone }> = {
  [ClientState.UNSPECIFIED]: { label: "Unknown", tone: "quiet" },
  [ClientState.ENABLED]: { label: "Enabled", tone: "good" },
  [ClientState.DISABLED]: { label: "Disabled", tone: "bad" },
};

export const teamStateWords: Record<TeamState, { label: string; tone: Tone }> = {
  [TeamState.UNSPECIFIED]: { label: "Unknown", tone: "quiet" },
  [TeamState.ACTIVE]: { label: "Active", tone: "good" },
  [TeamState.ORPHAN]: { label: "Orphan", tone: "bad" },
};

export function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount} ${amount === 1 ? one : many}`;
}

export function nameOf(principal: Principal | undefined): string {
  if (principal === undefined) return "nobody";
  if (principal.kind === PrincipalKind.SYSTEM) return "Turnpike";
  return principal.displayName === "" ? principal.id : principal.displayName;
}

/** A scope `identifier/name` is split at its last slash: identifiers may be URLs. */
export function splitScope(scope: string): { resourceServer: string; name: string } {
  const at = scope.lastIndexOf("/");
  return { resourceServer: scope.slice(0, Math.max(at, 0)), name: scope.slice(at + 1) };
}

/** "a, b and c". */
export function list(words: readonly string[]): string {
  return new Intl.ListFormat("en").format(words);
}
