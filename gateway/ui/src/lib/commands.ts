/** Commands to paste into a terminal. Placeholders are in capitals; a secret is never part of one. */

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * RFC 6749 section 2.3.1: both halves are form-encoded before Basic puts them together. What is left has no
 * meaning to a shell within double quotes; the marks that encodeURIComponent leaves would have some.
 */
const basicUser = (user: string) =>
  encodeURIComponent(user).replaceAll(
    /[!'()*~]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );

export function tokenCommand(
  endpoint: string,
  clientId: string,
  scopes: readonly string[],
): string {
  return [
    `curl -sS ${quoted(endpoint)} \\`,
    `  -u "${basicUser(clientId)}:$CLIENT_SECRET" \\`,
    scopes.length === 0
      ? `  -d grant_type=client_credentials`
      : `  -d grant_type=client_credentials \\`,
    ...(scopes.length === 0 ? [] : [`  --data-urlencode ${quoted(`scope=${scopes.join(" ")}`)}`]),
  ].join("\n");
}

/** The same for whoever has a client: on the page of an API, for one of its scopes. */
export function tokenCommandOfAnyClient(endpoint: string, scope: string): string {
  return [
    `curl -sS ${quoted(endpoint)} \\`,
    `  -u "$CLIENT_ID:$CLIENT_SECRET" \\`,
    `  -d grant_type=client_credentials \\`,
    `  --data-urlencode ${quoted(`scope=${scope}`)}`,
  ].join("\n");
}

export function introspectionCommand(endpoint: string, identifier: string): string {
  return [
    `curl -sS ${quoted(endpoint)} \\`,
    `  -u "${basicUser(identifier)}:$RESOURCE_SERVER_SECRET" \\`,
    `  --data-urlencode "token=$TOKEN"`,
  ].join("\n");
}

/** What an API team writes to follow the policy: Rust, with the SDK. The secret comes from elsewhere. */
export function followCode(tokenEndpoint: string, identifier: string): string {
  const turnpike = tokenEndpoint === "" ? "" : new URL(tokenEndpoint).origin;
  return [
    `let feed = Feed::builder(${JSON.stringify(turnpike)}, ${JSON.stringify(identifier)}, secret).start()?;`,
    `let verifier = feed.verifier().build()?;`,
  ].join("\n");
}
