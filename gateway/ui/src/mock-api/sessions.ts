import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  Role,
  SessionSchema,
  SessionState,
  type SessionService,
} from "~/api/gen/turnpike/v1/session_pb";
import { denied, notFound } from "./faults";
import { Caller, page, personas, type World } from "./world";

type CallerOf = (context: HandlerContext) => Caller;

const minute = 60_000;

export function sessionHandlers(
  world: World,
  callerOf: CallerOf,
): ServiceImpl<typeof SessionService> {
  return {
    getSession(_request, context) {
      const { principal, persona: who } = callerOf(context);
      const all = [...world.teams.keys()];
      const teams = who.admin === true ? all : who.teams;
      return {
        principal,
        teams: teams.map((team) => ({
          team,
          displayName: world.teams.get(team)?.displayName ?? team,
          member: who.teams.includes(team),
        })),
        roles: [
          ...(who.admin === true ? [Role.PLATFORM_ADMIN] : []),
          ...(who.auditor === true ? [Role.AUDITOR] : []),
        ],
        expireTime:
          [...world.sessions.values()].findLast(
            (one) => one.person?.id === who.id && one.state === SessionState.LIVE,
          )?.expireTime ?? timestampFromDate(new Date(world.now().getTime() + 8 * 60 * minute)),
        deployment: {
          issuer: "http://127.0.0.1:8080",
          tokenEndpoint: "http://127.0.0.1:8080/oauth2/token",
          introspectionEndpoint: "http://127.0.0.1:8080/oauth2/introspect",
          jwksUri: "http://127.0.0.1:8080/.well-known/jwks.json",
          version: "0.1.0-mock",
        },
        teamsKnown: who.teamsUnknown !== true,
      };
    },
    listSessions(request, context) {
      const caller = callerOf(context);
      const person = request.personId === "" ? caller.persona.id : request.personId;
      if (person !== caller.persona.id && !caller.seesAll) throw notFound("people", person);
      const theirs = [...world.sessions.values()].filter((one) => one.person?.id === person);
      const { items, nextPageToken } = page(theirs, request);
      return { sessions: items, nextPageToken };
    },
    endSession(request, context) {
      const caller = callerOf(context);
      const session = world.sessions.get(request.sessionId);
      const isOwn = session?.person?.id === caller.persona.id;
      if (session === undefined || (!isOwn && !caller.seesAll)) {
        throw notFound("sessions", request.sessionId);
      }
      if (!isOwn && caller.persona.admin !== true) throw denied();
      if (!request.validateOnly && session.state === SessionState.LIVE) {
        session.state = SessionState.ENDED;
      }
      return { session };
    },
  };
}

/** Olga works in two browsers, and has left a third. */
export function seedSessions(world: World): void {
  const at = (minutes: number) =>
    timestampFromDate(new Date(world.now().getTime() + minutes * minute));
  const { principal } = new Caller(personas.olga);
  const add = (id: string, made: number, seen: number, state: SessionState) =>
    world.sessions.set(
      id.repeat(32),
      create(SessionSchema, {
        sessionId: id.repeat(32),
        person: principal,
        state,
        createTime: at(-made),
        lastSeenTime: at(-seen),
        expireTime: at(480 - made),
      }),
    );
  add("a1", 420, 395, SessionState.SIGNED_OUT);
  add("b2", 200, 25, SessionState.LIVE);
  add("c3", 90, 1, SessionState.LIVE);
}
