import { clone, create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { ClientService } from "~/api/gen/turnpike/v1/clients_pb";
import {
  ClientSchema,
  ClientState,
  EffectKind,
  type Client,
} from "~/api/gen/turnpike/v1/resources_pb";
import { badReason, clientProblems, type Problems } from "~/lib/rules";
import { notFound, refuseInvalid, stale } from "./faults";
import { draftGrant, effectOf, endGrant, inUse, isLive, keepGrant } from "./grants";
import { tooManySecrets } from "./resource-servers";
import { contains, page, type Caller, type World } from "./world";

type CallerOf = (context: HandlerContext) => Caller;

/** What happens to a client that is stopped, as the server says it. */
function ownEffects({ clientId, displayName, team, scopes }: Client) {
  const who = `"${displayName}" of team \`${team}\``;
  const common = { clientId, clientDisplayName: displayName, clientTeam: team, scopes };
  return [
    {
      ...common,
      kind: EffectKind.CLIENT_STOPS,
      description: `${who} gets no more tokens`,
    },
    {
      ...common,
      kind: EffectKind.TOKENS_REFUSED,
      description: `tokens of ${who} issued so far are refused`,
    },
  ];
}

/** Lists do not say when a secret was last used. */
function withoutLastUse(client: Client): Client {
  const copy = clone(ClientSchema, client);
  for (const secret of copy.secrets) delete secret.lastUseTime;
  return copy;
}

export function clientHandlers(
  world: World,
  callerOf: CallerOf,
): ServiceImpl<typeof ClientService> {
  const visible = (caller: Caller, client: Client) =>
    caller.seesAll ||
    caller.isIn(client.team) ||
    [...world.grants.values()].some(
      (grant) => grant.clientId === client.clientId && caller.isIn(grant.resourceServerTeam),
    );
  const find = (caller: Caller, clientId: string) => {
    const client = world.clients.get(clientId);
    if (client === undefined || !visible(caller, client)) throw notFound("client", clientId);
    return client;
  };
  const managed = (caller: Caller, clientId: string) => {
    const client = find(caller, clientId);
    caller.needs(client.team);
    return client;
  };
  const touch = (client: Client) => {
    client.etag = world.etag();
    client.updateTime = world.timestamp();
  };
  const log = (
    caller: Caller,
    client: Client,
    verb: string,
    method: string,
    changes: [string, unknown, unknown][] = [],
  ) =>
    world.log(caller, {
      action: `client.${verb}`,
      subject: `clients/${client.clientId}`,
      team: client.team,
      clientId: client.clientId,
      method: `turnpike.v1.ClientService/${method}`,
      changes: changes
        .filter(([, before, after]) => JSON.stringify(before) !== JSON.stringify(after))
        .map(([field, before, after]) => ({
          field,
          before: before === undefined ? "" : JSON.stringify(before),
          after: after === undefined ? "" : JSON.stringify(after),
        })),
    });
  const setState = (
    caller: Caller,
    clientId: string,
    state: ClientState,
    validateOnly: boolean,
  ) => {
    const client = managed(caller, clientId);
    const disables = state === ClientState.DISABLED;
    const effects = disables ? ownEffects(client) : [];
    const draft = clone(ClientSchema, client);
    draft.state = state;
    if (!validateOnly && client.state !== state) {
      client.state = state;
      if (disables) client.tokensRevokedTime = world.timestamp();
      touch(client);
      log(
        caller,
        client,
        disables ? "disabled" : "enabled",
        disables ? "DisableClient" : "EnableClient",
        [["enabled", disables, !disables]],
      );
    }
    return {
      client: validateOnly ? draft : client,
      impact: { effects, totalEffects: effects.length },
    };
  };

  return {
    createClient(request, context) {
      const caller = callerOf(context);
      const draft = clone(ClientSchema, request.client ?? create(ClientSchema));
      const byServer = new Map<string, string[]>();
      const wanted: Record<string, string | undefined> = {};
      for (const [index, scope] of request.scopes.entries()) {
        const identifier = scope.slice(0, scope.lastIndexOf("/"));
        const server = world.resourceServers.get(identifier);
        const known = server?.scopes.some((one) => `${identifier}/${one.name}` === scope) === true;
        wanted[`scopes[${index}]`] = known ? undefined : "does not exist";
        byServer.set(identifier, [...(byServer.get(identifier) ?? []), scope]);
      }
      const problems: Problems = {
        ...clientProblems(draft),
        ...wanted,
        reason: request.scopes.length > 0 ? badReason(request.reason) : undefined,
      };
      refuseInvalid(problems);
      caller.needs(draft.team);
      draft.tokenLifetime ??= create(ClientSchema, {
        tokenLifetime: { seconds: 3600n },
      }).tokenLifetime!;
      const make = () => {
        draft.clientId = world.id("");
        draft.state = ClientState.ENABLED;
        draft.createTime = world.timestamp();
        touch(draft);
        const made = world.newSecret();
        draft.secrets = [made.secret];
        const grants = [...byServer].map(([resourceServer, scopes]) =>
          draftGrant(world, caller, {
            clientId: draft.clientId,
            clientDisplayName: draft.displayName,
            clientTeam: draft.team,
            resourceServer,
            scopes,
            reason: request.reason,
          }),
        );
        if (request.validateOnly) return { client: draft, grants };
        world.clients.set(draft.clientId, draft);
        log(caller, draft, "created", "CreateClient", [
          ["display_name", undefined, draft.displayName],
          ["token_lifetime_seconds", undefined, Number(draft.tokenLifetime?.seconds ?? 0)],
        ]);
        for (const grant of grants) keepGrant(world, caller, grant);
        return { client: draft, secret: made, grants };
      };
      return request.validateOnly ? make() : world.once(request.requestId, make);
    },
    getClient: (request, context) => ({ client: find(callerOf(context), request.clientId) }),
    listClients(request, context) {
      const caller = callerOf(context);
      const found = [...world.clients.values()]
        .filter(
          (client) =>
            (caller.seesAll || caller.isIn(client.team)) &&
            (request.team === "" || client.team === request.team) &&
            (request.state === ClientState.UNSPECIFIED || client.state === request.state) &&
            contains(request.text, client.clientId, client.displayName, client.description),
        )
        .toSorted((a, b) => a.displayName.localeCompare(b.displayName));
      const { items, nextPageToken } = page(found, request);
      return { clients: items.map(withoutLastUse), nextPageToken };
    },
    updateClient(request, context) {
      const caller = callerOf(context);
      const wanted = request.client ?? create(ClientSchema);
      const client = managed(caller, wanted.clientId);
      const paths = request.updateMask?.paths ?? [];
      const has = (path: string) => paths.includes(path) || paths.includes("*");
      const draft = clone(ClientSchema, client);
      if (has("display_name")) draft.displayName = wanted.displayName;
      if (has("description")) draft.description = wanted.description;
      if (has("team")) draft.team = wanted.team;
      if (has("token_lifetime") && wanted.tokenLifetime !== undefined) {
        draft.tokenLifetime = wanted.tokenLifetime;
      }
      refuseInvalid(clientProblems(draft));
      caller.needs(draft.team);
      if (client.etag !== wanted.etag) throw stale("client");
      if (request.validateOnly) return { client: draft };
      touch(draft);
      world.clients.set(draft.clientId, draft);
      for (const grant of world.grants.values()) {
        if (grant.clientId !== draft.clientId) continue;
        grant.clientDisplayName = draft.displayName;
        grant.clientTeam = draft.team;
      }
      log(caller, draft, "updated", "UpdateClient", [
        ["display_name", client.displayName, draft.displayName],
        ["description", client.description, draft.description],
        ["team", client.team, draft.team],
        [
          "token_lifetime_seconds",
          Number(client.tokenLifetime?.seconds ?? 0),
          Number(draft.tokenLifetime?.seconds ?? 0),
        ],
      ]);
      return { client: draft };
    },
    deleteClient(request, context) {
      const caller = callerOf(context);
      const client = managed(caller, request.clientId);
      if (client.etag !== request.etag) throw stale("client");
      const hit = [...world.grants.values()].filter(
        (grant) => grant.clientId === client.clientId && isLive(grant),
      );
      const effects = [...hit.map((grant) => effectOf(grant)), ...ownEffects(client)];
      if (request.validateOnly) return { impact: { effects, totalEffects: effects.length } };
      if (hit.length > 0 && !request.force) throw inUse(hit);
      for (const grant of hit) endGrant(world, caller, grant, "its client was deleted");
      world.clients.delete(client.clientId);
      log(caller, client, "deleted", "DeleteClient");
      return { impact: { effects, totalEffects: effects.length } };
    },
    disableClient: (request, context) =>
      setState(callerOf(context), request.clientId, ClientState.DISABLED, request.validateOnly),
    enableClient: (request, context) =>
      setState(callerOf(context), request.clientId, ClientState.ENABLED, request.validateOnly),
    addClientSecret(request, context) {
      const caller = callerOf(context);
      const client = managed(caller, request.clientId);
      if (client.secrets.length >= 2) throw tooManySecrets(`clients/${client.clientId}`);
      if (request.validateOnly) return { client };
      return world.once(request.requestId, () => {
        const made = world.newSecret();
        client.secrets.push(made.secret);
        touch(client);
        log(caller, client, "secret_added", "AddClientSecret");
        return { secret: made, client };
      });
    },
    removeClientSecret(request, context) {
      const caller = callerOf(context);
      const client = managed(caller, request.clientId);
      const secret = client.secrets.find((one) => one.secretId === request.secretId);
      if (secret === undefined) throw notFound("secret", request.secretId);
      const effects = [
        {
          kind: EffectKind.SECRET_ENDS,
          secretId: secret.secretId,
          description: "token requests with this secret are refused at once",
        },
        ...(request.revokeTokens
          ? [
              {
                kind: EffectKind.TOKENS_REFUSED,
                clientId: client.clientId,
                description: "all tokens issued so far are refused",
              },
            ]
          : []),
      ];
      if (!request.validateOnly) {
        client.secrets = client.secrets.filter((one) => one !== secret);
        if (request.revokeTokens) client.tokensRevokedTime = world.timestamp();
        touch(client);
        log(caller, client, "secret_removed", "RemoveClientSecret");
      }
      return { client, impact: { effects, totalEffects: effects.length } };
    },
    revokeClientTokens(request, context) {
      const caller = callerOf(context);
      const client = managed(caller, request.clientId);
      const effects = [
        {
          kind: EffectKind.TOKENS_REFUSED,
          clientId: client.clientId,
          clientDisplayName: client.displayName,
          description: "all tokens issued so far are refused",
        },
      ];
      if (!request.validateOnly) {
        client.tokensRevokedTime = world.timestamp();
        touch(client);
        log(caller, client, "tokens_revoked", "RevokeClientTokens");
      }
      return { client, impact: { effects, totalEffects: 1 } };
    },
  };
}
