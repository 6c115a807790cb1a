import { create } from "@bufbuild/protobuf";
import { timestampDate, type Timestamp } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { GrantService } from "~/api/gen/turnpike/v1/grants_pb";
import {
  EffectKind,
  GrantSchema,
  GrantState,
  type Effect,
  type Grant,
} from "~/api/gen/turnpike/v1/resources_pb";
import { denied, notFound, precondition, refuseInvalid, stale } from "./faults";
import { badReason, badText, requestProblems } from "~/lib/rules";
import { contains, page, type Caller, type World } from "./world";

type CallerOf = (context: HandlerContext) => Caller;

export const isLive = (grant: Grant) =>
  grant.state === GrantState.ACTIVE || grant.state === GrantState.PENDING;

export function mayDecide(caller: Caller, grant: Grant): boolean {
  if (!caller.mayManage(grant.resourceServerTeam)) return false;
  return caller.persona.id !== grant.requester?.id || grant.clientTeam === grant.resourceServerTeam;
}

/** The scopes that the active grants of a client hold. */
export function scopesOf(world: World, clientId: string): string[] {
  const active = [...world.grants.values()].filter(
    (grant) => grant.clientId === clientId && grant.state === GrantState.ACTIVE,
  );
  return [...new Set(active.flatMap((grant) => grant.scopes))].toSorted();
}

export function refreshScopes(world: World, clientId: string): void {
  const client = world.clients.get(clientId);
  if (client !== undefined) client.scopes = scopesOf(world, clientId);
}

export function effectOf(grant: Grant, scopes: readonly string[] = grant.scopes) {
  const shrinks = scopes.length < grant.scopes.length;
  const kind = shrinks
    ? EffectKind.GRANT_SHRINKS
    : grant.state === GrantState.PENDING
      ? EffectKind.GRANT_REQUEST_ENDS
      : EffectKind.GRANT_ENDS;
  const what = kind === EffectKind.GRANT_REQUEST_ENDS ? "the request for" : "the grant of";
  return {
    kind,
    grantId: grant.grantId,
    clientId: grant.clientId,
    clientDisplayName: grant.clientDisplayName,
    clientTeam: grant.clientTeam,
    scopes: [...scopes],
    description: `${what} ${scopes.join(", ")} to ${grant.clientDisplayName} ${shrinks ? "shrinks" : "ends"}`,
  } satisfies Partial<Effect>;
}

export const inUse = (grants: readonly Grant[]) =>
  precondition(
    grants.map((grant) => ({
      type: "GRANT_IN_USE",
      subject: `grants/${grant.grantId}`,
      description: `${grant.clientDisplayName} (${grant.clientTeam}) holds ${grant.scopes.join(", ")}`,
    })),
  );

export function endGrant(world: World, caller: Caller, grant: Grant, reason: string): void {
  grant.state = GrantState.REVOKED;
  grant.endTime = world.timestamp();
  grant.endReason = reason;
  grant.etag = world.etag();
  refreshScopes(world, grant.clientId);
  world.log(caller, {
    action: "grant.revoked",
    subject: `grants/${grant.grantId}`,
    team: grant.resourceServerTeam,
    clientId: grant.clientId,
    resourceServer: grant.resourceServer,
    reason,
    changes: [{ field: "state", before: '"active"', after: '"revoked"' }],
  });
}

/** A request as it would stand: active at once where the caller may decide. */
export function draftGrant(
  world: World,
  caller: Caller,
  asked: {
    clientId: string;
    clientDisplayName: string;
    clientTeam: string;
    resourceServer: string;
    scopes: string[];
    reason: string;
    expireTime?: Timestamp | undefined;
  },
): Grant {
  const owner = world.resourceServers.get(asked.resourceServer)?.team ?? "";
  const active = caller.mayManage(owner) && owner === asked.clientTeam;
  const { expireTime, ...rest } = asked;
  return create(GrantSchema, {
    ...rest,
    ...(expireTime === undefined ? {} : { expireTime }),
    grantId: world.id("gr_"),
    state: active ? GrantState.ACTIVE : GrantState.PENDING,
    requester: caller.principal,
    requestTime: world.timestamp(),
    ...(active ? { decider: caller.principal, decideTime: world.timestamp() } : {}),
    resourceServerTeam: owner,
    etag: world.etag(),
  });
}

export function keepGrant(world: World, caller: Caller, grant: Grant): void {
  world.grants.set(grant.grantId, grant);
  refreshScopes(world, grant.clientId);
  const common = {
    subject: `grants/${grant.grantId}`,
    clientId: grant.clientId,
    resourceServer: grant.resourceServer,
    reason: grant.reason,
  };
  world.log(caller, {
    ...common,
    action: "grant.requested",
    team: grant.clientTeam,
    method: "turnpike.v1.GrantService/RequestGrant",
    changes: [
      { field: "scopes", before: "", after: JSON.stringify(grant.scopes) },
      {
        field: "state",
        before: "",
        after: grant.state === GrantState.ACTIVE ? '"active"' : '"pending"',
      },
    ],
  });
}

export function grantHandlers(world: World, callerOf: CallerOf): ServiceImpl<typeof GrantService> {
  const visible = (caller: Caller, grant: Grant) =>
    caller.seesAll || caller.isIn(grant.clientTeam) || caller.isIn(grant.resourceServerTeam);
  const find = (caller: Caller, grantId: string) => {
    const grant = world.grants.get(grantId);
    if (grant === undefined || !visible(caller, grant)) throw notFound("grant", grantId);
    return grant;
  };
  const decide = (
    caller: Caller,
    request: { grantId: string; etag: string; note: string; validateOnly: boolean },
    to: GrantState.ACTIVE | GrantState.DENIED,
  ) => {
    const grant = find(caller, request.grantId);
    if (!mayDecide(caller, grant)) throw denied();
    const denies = to === GrantState.DENIED;
    refuseInvalid({ note: denies ? badReason(request.note) : badText(request.note, 1000) });
    if (grant.state !== GrantState.PENDING) {
      throw precondition([
        {
          type: "NOT_PENDING",
          subject: `grants/${grant.grantId}`,
          description: "the grant has been decided already",
        },
      ]);
    }
    if (grant.etag !== request.etag) throw stale("grant");
    if (request.validateOnly) return { grant };
    grant.state = to;
    grant.decider = caller.principal;
    grant.decideTime = world.timestamp();
    grant.decisionNote = request.note;
    grant.etag = world.etag();
    refreshScopes(world, grant.clientId);
    world.log(caller, {
      action: denies ? "grant.denied" : "grant.approved",
      subject: `grants/${grant.grantId}`,
      team: grant.resourceServerTeam,
      clientId: grant.clientId,
      resourceServer: grant.resourceServer,
      reason: request.note,
      method: `turnpike.v1.GrantService/${denies ? "DenyGrant" : "ApproveGrant"}`,
      changes: [{ field: "state", before: '"pending"', after: denies ? '"denied"' : '"active"' }],
    });
    return { grant };
  };

  return {
    requestGrant(request, context) {
      const caller = callerOf(context);
      const client = world.clients.get(request.clientId);
      const server = world.resourceServers.get(request.resourceServer);
      const known = server?.scopes.map((scope) => `${server.identifier}/${scope.name}`) ?? [];
      const stranger = request.scopes.find((scope) => !known.includes(scope));
      const expires =
        request.expireTime === undefined ? undefined : timestampDate(request.expireTime);
      refuseInvalid(requestProblems({ ...request, expires }, world.now()));
      refuseInvalid({
        client_id: client === undefined ? "does not exist" : undefined,
        resource_server: server === undefined ? "does not exist" : undefined,
        scopes: stranger === undefined ? undefined : "must be a scope of the resource server",
      });
      if (client === undefined) throw notFound("client", request.clientId);
      caller.needs(client.team);
      const twin = [...world.grants.values()].find(
        (grant) =>
          grant.state === GrantState.PENDING &&
          grant.clientId === client.clientId &&
          grant.scopes.toSorted().join(" ") === request.scopes.toSorted().join(" "),
      );
      if (twin !== undefined) {
        throw new ConnectError("the same scopes have been asked for already", Code.AlreadyExists);
      }
      const make = () => {
        const grant = draftGrant(world, caller, {
          clientId: client.clientId,
          clientDisplayName: client.displayName,
          clientTeam: client.team,
          resourceServer: request.resourceServer,
          scopes: request.scopes,
          reason: request.reason,
          expireTime: request.expireTime,
        });
        if (!request.validateOnly) keepGrant(world, caller, grant);
        return { grant };
      };
      return request.validateOnly ? make() : world.once(request.requestId, make);
    },
    approveGrant: (request, context) => decide(callerOf(context), request, GrantState.ACTIVE),
    denyGrant: (request, context) => decide(callerOf(context), request, GrantState.DENIED),
    revokeGrant(request, context) {
      const caller = callerOf(context);
      const grant = find(caller, request.grantId);
      if (!caller.mayManage(grant.clientTeam) && !caller.mayManage(grant.resourceServerTeam)) {
        throw denied();
      }
      if (!request.validateOnly) refuseInvalid({ reason: badReason(request.reason) });
      if (!isLive(grant)) {
        throw precondition([
          {
            type: "ALREADY_ENDED",
            subject: `grants/${grant.grantId}`,
            description: "the grant has ended already",
          },
        ]);
      }
      if (grant.etag !== request.etag) throw stale("grant");
      const impact = { effects: [effectOf(grant)], totalEffects: 1 };
      if (!request.validateOnly) endGrant(world, caller, grant, request.reason);
      return { grant, impact };
    },
    getGrant: (request, context) => ({ grant: find(callerOf(context), request.grantId) }),
    listGrants(request, context) {
      const caller = callerOf(context);
      const found = [...world.grants.values()]
        .filter(
          (grant) =>
            visible(caller, grant) &&
            (request.clientId === "" || grant.clientId === request.clientId) &&
            (request.resourceServer === "" || grant.resourceServer === request.resourceServer) &&
            (request.team === "" ||
              grant.clientTeam === request.team ||
              grant.resourceServerTeam === request.team) &&
            (request.state === GrantState.UNSPECIFIED || grant.state === request.state) &&
            (!request.waitingForMe ||
              (grant.state === GrantState.PENDING && mayDecide(caller, grant))) &&
            contains(
              request.text,
              grant.clientId,
              grant.clientDisplayName,
              grant.reason,
              ...grant.scopes,
            ),
        )
        .toSorted((a, b) =>
          Number((b.requestTime?.seconds ?? 0n) - (a.requestTime?.seconds ?? 0n)),
        );
      const { items, nextPageToken } = page(found, request);
      return { grants: items, nextPageToken };
    },
  };
}
