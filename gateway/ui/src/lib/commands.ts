/** Commands to paste into a terminal. Placeholders are in capitals; a secret is never part of one. */

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** RFC 6749 section 2.3.1: both halves are form-encoded before Basic puts them together. */
const basicUser = (user: string) => encodeURIComponent(user);

export function tokenCommand(
  endpoint: string,
  clientId: string,
  scopes: readonly string[],
): string {
  return [
    `curl -sS ${quoted(endpoint)} \\`,
    `  -u ${quoted(basicUser(clientId))}":$CLIENT_SECRET" \\`,
    scopes.length === 0
      ? `  -d grant_type=client_credentials`
      : `  -d grant_type=client_credentials \\`,
    ...(scopes.length === 0 ? [] : [`  --data-urlencode ${quoted(`scope=${scopes.join(" ")}`)}`]),
  ].join("\n");
}

export function introspectionCommand(endpoint: string, identifier: string): string {
  return [
    `curl -sS ${quoted(endpoint)} \\`,
    `  -u ${quoted(basicUser(identifier))}":$RESOURCE_SERVER_SECRET" \\`,
    `  --data-urlencode "token=$TOKEN"`,
  ].join("\n");
}
