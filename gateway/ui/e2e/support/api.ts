import { expect, type APIRequestContext } from "@playwright/test";

export interface TokenAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

const basic = (user: string, secret: string) =>
  `Basic ${Buffer.from(`${encodeURIComponent(user)}:${encodeURIComponent(secret)}`).toString("base64")}`;

/** What a partner's system does: client credentials, then the API. */
export async function getToken(
  request: APIRequestContext,
  client: { clientId: string; secret: string },
): Promise<TokenAnswer> {
  const answer = await request.post("/oauth2/token", {
    headers: { authorization: basic(client.clientId, client.secret) },
    form: { grant_type: "client_credentials" },
  });
  return { status: answer.status(), body: (await answer.json()) as Record<string, unknown> };
}

/** What a resource server does that does not verify by itself (RFC 7662). */
export async function introspect(
  request: APIRequestContext,
  server: { identifier: string; secret: string },
  token: string,
): Promise<Record<string, unknown>> {
  const answer = await request.post("/oauth2/introspect", {
    headers: { authorization: basic(server.identifier, server.secret) },
    form: { token },
  });
  expect(answer.status()).toBe(200);
  return (await answer.json()) as Record<string, unknown>;
}
