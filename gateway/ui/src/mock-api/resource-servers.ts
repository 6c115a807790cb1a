import { clone, create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { ResourceServerService } from "~/api/gen/turnpike/v1/resource_servers_pb";
import {
  EffectKind,
  ResourceServerSchema,
  type ResourceServer,
} from "~/api/gen/turnpike/v1/resources_pb";
import { resourceServerProblems } from "~/lib/rules";
import { denied, notFound, precondition, refuseInvalid, stale, taken } from "./faults";
import { effectOf, endGrant, inUse, isLive } from "./grants";
import { contains, page, type Caller, type World } from "./world";

type CallerOf = (context: HandlerContext) => Caller;

export function resourceServerHandlers(
  world: World,
  callerOf: CallerOf,
): ServiceImpl<typeof ResourceServerService> {
  const find = (identifier: string) => {
    const server = world.resourceServers.get(identifier);
    if (server === undefined) throw notFound("resource server", identifier);
    return server;
  };
  const shown = (caller: Caller, server: ResourceServer) => {
    const copy = clone(ResourceServerSchema, server);
    if (!caller.seesAll && !caller.isIn(server.team)) copy.secrets = [];
    return copy;
  };
  const managed = (caller: Caller, identifier: string) => {
    const server = find(identifier);
    caller.needs(server.team);
    if (server.builtIn) throw denied();
    return server;
  };
  const liveGrants = (identifier: string) =>
    [...world.grants.values()].filter(
      (grant) => grant.resourceServer === identifier && isLive(grant),
    );

  return {
    createResourceServer(request, context) {
      const caller = callerOf(context);
      const draft = clone(
        ResourceServerSchema,
        request.resourceServer ?? create(ResourceServerSchema),
      );
      refuseInvalid(resourceServerProblems(draft));
      caller.needs(draft.team);
      if (world.resourceServers.has(draft.identifier)) {
        throw taken("resource server", draft.identifier);
      }
      if (request.validateOnly) return { resourceServer: draft };
      return world.once(request.requestId, () => {
        const { secret, value } = world.newSecret();
        Object.assign(draft, {
          createTime: world.timestamp(),
          updateTime: world.timestamp(),
          etag: world.etag(),
          secrets: request.addSecret ? [secret] : [],
          builtIn: false,
        });
        world.resourceServers.set(draft.identifier, draft);
        world.log(caller, {
          action: "resource_server.created",
          subject: `resource-servers/${draft.identifier}`,
          team: draft.team,
          resourceServer: draft.identifier,
          method: "turnpike.v1.ResourceServerService/CreateResourceServer",
          changes: [
            { field: "display_name", before: "", after: JSON.stringify(draft.displayName) },
            { field: "scopes", before: "", after: JSON.stringify(draft.scopes.map((s) => s.name)) },
          ],
        });
        return request.addSecret
          ? { resourceServer: draft, secret: { secret, value } }
          : { resourceServer: draft };
      });
    },
    getResourceServer(request, context) {
      const caller = callerOf(context);
      return { resourceServer: shown(caller, find(request.identifier)) };
    },
    listResourceServers(request, context) {
      const caller = callerOf(context);
      const found = [...world.resourceServers.values()]
        .filter(
          (server) =>
            (request.team === "" || server.team === request.team) &&
            contains(
              request.text,
              server.identifier,
              server.displayName,
              server.description,
              ...server.scopes.map((scope) => scope.name),
            ),
        )
        .toSorted((a, b) => (a.identifier < b.identifier ? -1 : 1));
      const { items, nextPageToken } = page(found, request);
      return { resourceServers: items.map((server) => shown(caller, server)), nextPageToken };
    },
    updateResourceServer(request, context) {
      const caller = callerOf(context);
      const wanted = request.resourceServer ?? create(ResourceServerSchema);
      const server = managed(caller, wanted.identifier);
      const paths = request.updateMask?.paths ?? [];
      const has = (path: string) => paths.includes(path) || paths.includes("*");
      const draft = clone(ResourceServerSchema, server);
      if (has("display_name")) draft.displayName = wanted.displayName;
      if (has("description")) draft.description = wanted.description;
      if (has("team")) draft.team = wanted.team;
      if (has("scopes")) draft.scopes = wanted.scopes;
      refuseInvalid(resourceServerProblems(draft));
      caller.needs(draft.team);
      if (server.etag !== wanted.etag) throw stale("resource server");
      const kept = new Set(draft.scopes.map((scope) => `${draft.identifier}/${scope.name}`));
      const hit = liveGrants(server.identifier).filter((grant) =>
        grant.scopes.some((scope) => !kept.has(scope)),
      );
      const effects = hit.map((grant) =>
        effectOf(
          grant,
          grant.scopes.filter((scope) => !kept.has(scope)),
        ),
      );
      const impact = { effects, totalEffects: effects.length };
      if (request.validateOnly) return { resourceServer: draft, impact };
      if (hit.length > 0 && !request.force) throw inUse(hit);
      for (const grant of hit) {
        const left = grant.scopes.filter((scope) => kept.has(scope));
        if (left.length === 0) endGrant(world, caller, grant, "its scopes were deleted");
        else grant.scopes = left;
      }
      draft.etag = world.etag();
      draft.updateTime = world.timestamp();
      world.resourceServers.set(draft.identifier, draft);
      const change = (field: string, before: unknown, after: unknown) =>
        JSON.stringify(before) === JSON.stringify(after)
          ? []
          : [{ field, before: JSON.stringify(before), after: JSON.stringify(after) }];
      world.log(caller, {
        action: "resource_server.updated",
        subject: `resource-servers/${draft.identifier}`,
        team: draft.team,
        resourceServer: draft.identifier,
        method: "turnpike.v1.ResourceServerService/UpdateResourceServer",
        changes: [
          ...change("display_name", server.displayName, draft.displayName),
          ...change("description", server.description, draft.description),
          ...change("team", server.team, draft.team),
          ...change(
            "scopes",
            server.scopes.map(({ name, description }) => `${name}: ${description}`),
            draft.scopes.map(({ name, description }) => `${name}: ${description}`),
          ),
        ],
      });
      return { resourceServer: draft, impact };
    },
    deleteResourceServer(request, context) {
      const caller = callerOf(context);
      const server = managed(caller, request.identifier);
      if (server.etag !== request.etag) throw stale("resource server");
      const hit = liveGrants(server.identifier);
      const impact = { effects: hit.map((grant) => effectOf(grant)), totalEffects: hit.length };
      if (request.validateOnly) return { impact };
      if (hit.length > 0 && !request.force) throw inUse(hit);
      for (const grant of hit) endGrant(world, caller, grant, "its resource server was deleted");
      world.resourceServers.delete(server.identifier);
      world.log(caller, {
        action: "resource_server.deleted",
        subject: `resource-servers/${server.identifier}`,
        team: server.team,
        resourceServer: server.identifier,
        method: "turnpike.v1.ResourceServerService/DeleteResourceServer",
      });
      return { impact };
    },
    addResourceServerSecret(request, context) {
      const caller = callerOf(context);
      const server = managed(caller, request.identifier);
      if (server.secrets.length >= 2) throw tooManySecrets(`resource-servers/${server.identifier}`);
      if (request.validateOnly) return { resourceServer: server };
      return world.once(request.requestId, () => {
        const made = world.newSecret();
        server.secrets.push(made.secret);
        server.etag = world.etag();
        world.log(caller, {
          action: "resource_server.secret_added",
          subject: `resource-servers/${server.identifier}`,
          team: server.team,
          resourceServer: server.identifier,
        });
        return { secret: made, resourceServer: server };
      });
    },
    removeResourceServerSecret(request, context) {
      const caller = callerOf(context);
      const server = managed(caller, request.identifier);
      const secret = server.secrets.find((one) => one.secretId === request.secretId);
      if (secret === undefined) throw notFound("secret", request.secretId);
      const effects = [
        {
          kind: EffectKind.SECRET_ENDS,
          secretId: secret.secretId,
          description: "calls to introspection with this secret are refused at once",
        },
      ];
      if (!request.validateOnly) {
        server.secrets = server.secrets.filter((one) => one !== secret);
        server.etag = world.etag();
        world.log(caller, {
          action: "resource_server.secret_removed",
          subject: `resource-servers/${server.identifier}`,
          team: server.team,
          resourceServer: server.identifier,
        });
      }
      return { resourceServer: server, impact: { effects, totalEffects: 1 } };
    },
  };
}

export const tooManySecrets = (subject: string) =>
  precondition([
    { type: "TOO_MANY_SECRETS", subject, description: "two secrets are live; remove one first" },
  ]);
