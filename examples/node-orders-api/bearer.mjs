// Bearer tokens at an HTTP API (RFC 6750).

/** The keys cannot be had, so nothing is known about a token. */
export class CannotTell extends Error {}

const refuse = (status, error, more = "") => ({
  status,
  headers: status === 503 ? {} : { "www-authenticate": `Bearer realm="orders"${error && `, error="${error}"`}${more}` },
});

/**
 * Who calls: `{ clientId }`, or `{ refusal }` with what to answer.
 *
 * `verify` answers with the claims of a token whose signature, algorithm, issuer and times are good.
 */
export async function authorize(request, verify, scope) {
  // Of two headers node would show one.
  const values = request.headersDistinct.authorization ?? [];
  if (values.length === 0 || !/^Bearer( |$)/i.test(values[0])) return { refusal: refuse(401, "") };
  const [, token] = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(values[0]) ?? [];
  if (!token || values.length > 1) return { refusal: refuse(400, "invalid_request") };

  let claims;
  try {
    claims = await verify(token);
  } catch (error) {
    if (!(error instanceof CannotTell)) return { refusal: refuse(401, "invalid_token") };
    console.error(`orders-api: ${error.message}`);
    return { refusal: refuse(503, "") };
  }
  if (!isAccessToken(claims)) return { refusal: refuse(401, "invalid_token") };
  if (!claims.scope.split(" ").includes(scope)) {
    return { refusal: refuse(403, "insufficient_scope", `, scope="${scope}"`) };
  }
  return { clientId: claims.client_id };
}

/** A library checks the times that a token has; that it has an end, and is no other kind of token, is ours to check. */
function isAccessToken({ token_use, exp, client_id, scope }) {
  return (
    token_use === "access" && Number.isInteger(exp) && typeof client_id === "string" && client_id !== "" && typeof scope === "string"
  );
}
