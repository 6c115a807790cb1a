/**
 * The obvious rules of what people type, in the server's words, so that a slip is told without a call: whether
 * something is there, how long it may be, of which characters. Problems are keyed by the path of the field in the
 * request. Everything else the server tells; it checks these too.
 */
export type Problems = Readonly<Record<string, string | undefined>>;

const spaces = /\s/u;
const control = /\p{Cc}/u;
/** Visible ASCII without quotes and backslashes (RFC 6749 section 3.3). */
const scopeToken = /^[\x21\x23-\x5B\x5D-\x7E]*$/;

function tooLong(value: string, most: number): string | undefined {
  return Array.from(value.normalize("NFC")).length > most
    ? `must have at most ${most} characters`
    : undefined;
}

function untrimmed(value: string): string | undefined {
  return value === value.trim() ? undefined : "must be without white space at its ends";
}

/** What people call something. */
function badName(value: string, most: number): string | undefined {
  if (value === "") return "is required";
  if (control.test(value)) return "may hold only visible characters and spaces";
  return tooLong(value, most) ?? untrimmed(value);
}

/** Text on one or more lines. */
export function badText(value: string, most: number, required = false): string | undefined {
  if (required && value === "") return "is required";
  if (control.test(value.replaceAll("\n", ""))) {
    return "may hold only visible characters, spaces and line feeds";
  }
  return tooLong(value, most) ?? untrimmed(value);
}

/** Why somebody wants or ends something. */
export const badReason = (value: string) => badText(value, 1000, true);

export function badIdentifier(value: string): string | undefined {
  if (value === "") return "is required";
  if (spaces.test(value)) return "must not contain spaces";
  if (!scopeToken.test(value))
    return 'may hold only visible ASCII characters but `"` and `\\`, and no spaces';
  return tooLong(value, 256);
}

export function badScopeName(value: string): string | undefined {
  if (value === "") return "is required";
  if (spaces.test(value)) return "must not contain spaces";
  if (!scopeToken.test(value) || value.includes("/")) {
    return 'may hold only visible ASCII characters but `"`, `\\` and `/`, and no spaces';
  }
  return tooLong(value, 256);
}

function badTeamKey(value: string): string | undefined {
  if (value === "") return "is required";
  if (!/^[a-z0-9-]*$/.test(value)) return "may hold only lower-case letters, digits and `-`";
  return tooLong(value, 64);
}

const chosen = (value: string) => (value === "" ? "is required" : undefined);

export function clientProblems(client: {
  readonly displayName: string;
  readonly description: string;
  readonly team: string;
  readonly tokenLifetime?: { readonly seconds: bigint } | undefined;
}): Problems {
  const seconds = client.tokenLifetime?.seconds ?? 3600n;
  return {
    "client.display_name": badName(client.displayName, 128),
    "client.description": badText(client.description, 1000),
    "client.team": chosen(client.team),
    "client.token_lifetime":
      seconds < 300n || seconds > 86_400n ? "must be between 5 minutes and 1 day" : undefined,
  };
}

export function resourceServerProblems(server: {
  readonly identifier: string;
  readonly displayName: string;
  readonly description: string;
  readonly team: string;
  readonly scopes: readonly { readonly name: string; readonly description: string }[];
}): Problems {
  const names = server.scopes.map((scope) => scope.name);
  const ofScope = (name: string, index: number) =>
    badScopeName(name) ??
    (names.indexOf(name) < index ? "is there twice" : undefined) ??
    (server.identifier.length + 1 + name.length > 256
      ? "must have at most 256 characters together with the identifier and a `/`"
      : undefined);
  return {
    "resource_server.display_name": badName(server.displayName, 256),
    "resource_server.identifier": badIdentifier(server.identifier),
    "resource_server.description": badText(server.description, 1000),
    "resource_server.team": chosen(server.team),
    ...Object.fromEntries(
      server.scopes.flatMap(({ name, description }, index) => [
        [`resource_server.scopes[${index}].name`, ofScope(name, index)],
        [`resource_server.scopes[${index}].description`, badText(description, 256, true)],
      ]),
    ),
  };
}

export function teamProblems(team: {
  readonly team: string;
  readonly displayName: string;
  readonly contact: string;
  readonly directoryGroups: readonly string[];
  readonly appRoles: readonly string[];
}): Problems {
  const list = (
    field: string,
    entries: readonly string[],
    bad: (entry: string) => string | undefined,
  ) =>
    entries.map((entry, index) => [
      `team.${field}[${index}]`,
      bad(entry) ?? (entries.indexOf(entry) < index ? "is there twice" : undefined),
    ]);
  const badRole = (role: string) =>
    /^[\x21-\x7E]+$/.test(role)
      ? tooLong(role, 256)
      : "may hold only visible ASCII characters without a space";
  return {
    "team.display_name": badText(team.displayName, 128, true),
    "team.team": badTeamKey(team.team),
    "team.contact": badText(team.contact, 256),
    ...Object.fromEntries([
      ...list("app_roles", team.appRoles, badRole),
      ...list("directory_groups", team.directoryGroups, (group) => badText(group, 256)),
    ]),
  };
}

export function requestProblems(
  request: {
    readonly clientId: string;
    readonly resourceServer: string;
    readonly scopes: readonly string[];
    readonly reason: string;
    readonly expires?: Date | undefined;
  },
  now: Date,
): Problems {
  return {
    client_id: chosen(request.clientId),
    resource_server: chosen(request.resourceServer),
    scopes: request.scopes.length === 0 ? "is required" : undefined,
    reason: badReason(request.reason),
    expire_time:
      request.expires !== undefined && request.expires <= now ? "must be in the future" : undefined,
  };
}
