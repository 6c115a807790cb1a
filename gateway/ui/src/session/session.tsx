import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { useQuery } from "@connectrpc/connect-query";
import { createContext, use, useMemo, type ReactNode } from "react";
import {
  Role,
  SessionService,
  TeamService,
  type Deployment,
  type GetSessionResponse,
  type Team,
} from "~/api";
import { explain } from "~/api/errors";
import { nobodyYet } from "~/api/page-person";
import { nameOf } from "~/lib/words";
import { Splash } from "./splash";
import { OtherPerson, SignedOut, Unreachable } from "./signed-out";

export interface Session {
  readonly id: string;
  readonly name: string;
  /** The teams the user is a member of. */
  readonly memberTeams: readonly Team[];
  /** The teams the user may act for: for a platform admin, all. */
  readonly actingTeams: readonly Team[];
  /** All teams of the company that are known here, by name. */
  readonly everyTeam: readonly Team[];
  readonly isAdmin: boolean;
  readonly isAuditor: boolean;
  /** Whether what belongs to all teams is theirs to read: the whole log, the pool. */
  readonly readsAll: boolean;
  readonly teamsKnown: boolean;
  /** When this browser's session ends; undefined if it is not said. */
  readonly expireTime: Timestamp | undefined;
  readonly deployment: Deployment | undefined;
  /** What the team is called, where we know it; else its key. */
  readonly teamName: (team: string) => string;
  /** Whether buttons that change things of `team` should work; the server decides in the end. */
  readonly mayManage: (team: string) => boolean;
}

/** Whom the page was opened for. */
export const PagePersonContext = createContext(nobodyYet());

const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = use(SessionContext);
  if (session === undefined) throw new Error("useSession is used outside of SessionGate");
  return session;
}

/**
 * Shows its children to those who are signed in, and to others how to sign in. Who comes back to a tab
 * learns at once that somebody else has signed in meanwhile.
 */
export function SessionGate({ children }: { children: ReactNode }) {
  const page = use(PagePersonContext);
  const query = useQuery(
    SessionService.method.getSession,
    {},
    { staleTime: 60_000, refetchOnWindowFocus: "always", meta: { session: true } },
  );
  // What teams are called that the user is not in; until it is known, their keys stand for them.
  const teams = useQuery(
    TeamService.method.listTeams,
    { pageSize: 200 },
    { enabled: query.data !== undefined, staleTime: 5 * 60_000 },
  );
  const session = useMemo(
    () => (query.data === undefined ? undefined : sessionOf(query.data, teams.data?.teams ?? [])),
    [query.data, teams.data],
  );
  if (query.error !== null) {
    const fault = explain(query.error);
    if (fault.kind === "signed-out") return <SignedOut />;
    if (session === undefined) {
      return <Unreachable fault={fault} retry={() => void query.refetch()} />;
    }
  }
  if (session === undefined) return <Splash />;
  if (session.id !== page.id) return <OtherPerson before={page.name} now={session.name} />;
  return <SessionContext value={session}>{children}</SessionContext>;
}

function sessionOf(answer: GetSessionResponse, teams: readonly Team[]): Session {
  const isAdmin = answer.roles.includes(Role.PLATFORM_ADMIN);
  const isAuditor = answer.roles.includes(Role.AUDITOR);
  const memberTeams = answer.teams.filter((team) => team.member);
  const names = new Map([...teams, ...answer.teams].map((team) => [team.team, team.displayName]));
  const every = new Map([...teams, ...answer.teams].map((team) => [team.team, team]));
  const acting = new Set(answer.teams.map((team) => team.team));
  return {
    id: answer.principal?.id ?? "",
    name: nameOf(answer.principal),
    memberTeams,
    actingTeams: answer.teams,
    everyTeam: [...every.values()].toSorted((a, b) => a.displayName.localeCompare(b.displayName)),
    isAdmin,
    isAuditor,
    readsAll: isAdmin || isAuditor,
    teamsKnown: answer.teamsKnown,
    expireTime: answer.expireTime,
    deployment: answer.deployment,
    teamName: (team) => {
      const name = names.get(team);
      return name === undefined || name === "" ? team : name;
    },
    mayManage: (team) => isAdmin || acting.has(team),
  };
}
