import { clone, create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  DriftKind,
  type Drift,
  type DriftField,
  type ReconcileService,
} from "~/api/gen/turnpike/v1/reconcile_pb";
import {
  ClientSchema,
  ClientState,
  GrantSchema,
  GrantState,
  ResourceServerSchema,
  type Client,
  type Grant,
  type ResourceServer,
} from "~/api/gen/turnpike/v1/resources_pb";
import { denied, notFound, precondition, refuseInvalid } from "./faults";
import { refreshScopes } from "./grants";
import { page, type Caller, type World } from "./world";

type CallerOf = (context: HandlerContext) => Caller;

/** `clients/{id}` or `resource-servers/{identifier}`, at its first slash. */
const keyOf = (subject: string) => subject.slice(subject.indexOf("/") + 1);

export function reconcileHandlers(
  world: World,
  callerOf: CallerOf,
): ServiceImpl<typeof ReconcileService> {
  const reader = (context: HandlerContext) => {
    const caller = callerOf(context);
    if (!caller.seesAll) throw denied();
    return caller;
  };
  const admin = (context: HandlerContext) => {
    const caller = callerOf(context);
    if (caller.persona.admin !== true) throw denied();
    return caller;
  };
  const find = (subject: string) => {
    const drift = world.pool?.drifts.get(subject);
    if (drift === undefined) throw notFound("pool", subject);
    return drift;
  };
  return {
    listPending(request, context) {
      reader(context);
      const { items, nextPageToken } = page(world.pool?.pending ?? [], request);
      return { pending: items, nextPageToken };
    },
    listDrift(request, context) {
      reader(context);
      const { pool } = world;
      const drifts = [...(pool?.drifts.values() ?? [])].filter(
        ({ kind }) => request.kind === DriftKind.UNSPECIFIED || kind === request.kind,
      );
      const { items, nextPageToken } = page(drifts, request);
      return {
        drifts: items,
        nextPageToken,
        hasPool: pool !== undefined,
        walking: pool?.walking === true,
        ...(pool?.walk === undefined
          ? {}
          : {
              walkStartTime: timestampFromDate(pool.walk.start),
              walkEndTime: timestampFromDate(pool.walk.end),
              walkLookedAt: BigInt(pool.walk.lookedAt),
            }),
      };
    },
    startWalk(_request, context) {
      admin(context);
      if (world.pool !== undefined) world.pool.walking = true;
      return {};
    },
    adopt(request, context) {
      const caller = admin(context);
      const drift = find(request.subject);
      if (drift.kind === DriftKind.MISSING) throw notFound("pool", request.subject);
      const isNew = drift.kind === DriftKind.UNMANAGED;
      refuseInvalid({
        team:
          isNew && request.team === ""
            ? "is required"
            : isNew && !world.teams.has(request.team)
              ? "does not exist"
              : !isNew && request.team !== ""
                ? "cannot be changed"
                : undefined,
      });
      const adopted = request.subject.startsWith("clients/")
        ? adoptClient(world, drift, request.team)
        : { resourceServer: adoptServer(world, drift, request.team), grants: [] };
      if (request.validateOnly) return adopted;
      for (const grant of adopted.grants) world.grants.set(grant.grantId, grant);
      if ("client" in adopted) {
        world.clients.set(adopted.client.clientId, adopted.client);
        refreshScopes(world, adopted.client.clientId);
      } else world.resourceServers.set(adopted.resourceServer.identifier, adopted.resourceServer);
      world.pool?.drifts.delete(request.subject);
      world.log(caller, {
        action: "client" in adopted ? "client.adopted" : "resource_server.adopted",
        subject: request.subject,
        team: request.team,
        method: "turnpike.v1.ReconcileService/Adopt",
      });
      return adopted;
    },
    revert(request, context) {
      admin(context);
      const drift = find(request.subject);
      if (drift.kind === DriftKind.UNMANAGED) throw notFound("pool", request.subject);
      const fields: Pick<DriftField, "field" | "ours" | "theirs">[] = drift.fields;
      const missing = drift.kind === DriftKind.MISSING;
      if (missing && request.subject.startsWith("clients/")) {
        const description =
          "the authorization server has lost the client, and gives its client_id to no other: delete it and register a new one";
        throw precondition([{ type: "LOST_CLIENT", subject: request.subject, description }]);
      }
      if (!request.validateOnly) world.pool?.drifts.delete(request.subject);
      return {
        fields: missing
          ? [{ field: "resource_server", ours: keyOf(request.subject), theirs: "" }]
          : fields,
      };
    },
  };
}

function adoptClient(
  world: World,
  drift: Drift,
  team: string,
): { client: Client; grants: Grant[] } {
  const clientId = keyOf(drift.subject);
  const there = world.clients.get(clientId);
  if (there !== undefined) {
    const client = clone(ClientSchema, there);
    const lifetime = drift.fields.find(({ field }) => field === "token_lifetime_seconds")?.theirs;
    if (lifetime !== undefined && client.tokenLifetime !== undefined) {
      client.tokenLifetime.seconds = BigInt(lifetime);
    }
    return { client, grants: [] };
  }
  const scopes = world.pool?.unmanagedScopes.get(clientId) ?? [];
  const byServer = new Map<string, string[]>();
  for (const scope of scopes) {
    const identifier = scope.slice(0, scope.lastIndexOf("/"));
    byServer.set(identifier, [...(byServer.get(identifier) ?? []), scope]);
  }
  const grants = [...byServer].map(([identifier, held]) => {
    const server = world.resourceServers.get(identifier);
    if (server === undefined) {
      const description = `no resource server here offers all of its scopes of \`${identifier}\``;
      throw precondition([{ type: "UNKNOWN_SCOPES", subject: drift.subject, description }]);
    }
    return create(GrantSchema, {
      grantId: world.id("gr_"),
      clientId,
      clientDisplayName: drift.name,
      clientTeam: team,
      resourceServer: identifier,
      resourceServerTeam: server.team,
      scopes: held,
      state: GrantState.ACTIVE,
      reason: "the authorization server let the client have it before",
      requestTime: world.timestamp(),
      decideTime: world.timestamp(),
      etag: world.etag(),
    });
  });
  const client = create(ClientSchema, {
    clientId,
    displayName: drift.name,
    team,
    state: ClientState.ENABLED,
    tokenLifetime: { seconds: 3_600n },
    scopes,
    createTime: world.timestamp(),
    updateTime: world.timestamp(),
    etag: world.etag(),
  });
  return { client, grants };
}

function adoptServer(world: World, drift: Drift, team: string): ResourceServer {
  const identifier = keyOf(drift.subject);
  const there = world.resourceServers.get(identifier);
  if (there !== undefined) return clone(ResourceServerSchema, there);
  return create(ResourceServerSchema, {
    identifier,
    displayName: drift.name,
    team,
    scopes: [{ name: "read", description: "Read reports" }],
    createTime: world.timestamp(),
    updateTime: world.timestamp(),
    etag: world.etag(),
  });
}
