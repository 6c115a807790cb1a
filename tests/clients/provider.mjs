// The company's directory, by an unchanged OpenID provider: npm `oidc-provider`. Listens on this machine, says where, then
// reads the set-up (JSON, one line) and serves.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
console.log(JSON.stringify({ issuer }));

const [line] = await new Promise((read) => {
  createInterface({ input: process.stdin }).once("line", (text) => read([text]));
});
// People by the names they sign in with, each with the claims of their ID token; the registration of Turnpike.
const { people, client } = JSON.parse(line);
const claims = new Set(Object.values(people).flatMap((person) => Object.keys(person)));

const provider = new Provider(issuer, {
  clients: [client],
  claims: { openid: ["sub", "sid", ...claims], profile: ["name"] },
  // As Entra ID does: what a scope gives stands in the ID token.
  conformIdTokenClaims: false,
  cookies: { keys: ["of this run only"] },
  features: {
    devInteractions: { enabled: false },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (context, form) => {
        context.body = page(`<h1>Sign out of the directory?</h1>${form}
          <button autofocus form="op.logoutForm" name="logout" value="yes">Yes</button>`);
      },
    },
  },
  findAccount: (_, id) =>
    people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  jwks: {
    keys: [generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" })],
  },
  issueRefreshToken: (_, client) => client.grantTypeAllowed("refresh_token"),
  // Whoever runs the directory has consented for everyone.
  loadExistingGrant: async (context) => {
    const { client, session } = context.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid profile offline_access");
    await grant.save();
    return grant;
  },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  ttl: { AccessToken: 3600, IdToken: 3600, Interaction: 600, Grant: 3600, RefreshToken: 3600, Session: 3600 },
});
provider.on("server_error", (_, error) => console.error(error));

const page = (html) =>
  `<!doctype html><html lang="en"><title>Example directory</title><main>${html}</main></html>`;

const callback = provider.callback();
server.on("request", async (request, response) => {
  const { pathname } = new URL(request.url, issuer);
  if (!pathname.startsWith("/interaction/")) return callback(request, response);
  if (request.method === "GET") {
    response.setHeader("content-type", "text/html; charset=utf-8");
    return response.end(
      page(`<h1>Example directory</h1><form method="post">
        <label>Name <input name="login" autofocus></label> <button>Sign in</button>
        <button name="cancel" value="yes">Cancel</button></form>`),
    );
  }
  let body = "";
  for await (const chunk of request) body += chunk;
  const form = new URLSearchParams(body);
  const login = form.get("login") ?? "";
  const result = people[login] && !form.has("cancel")
    ? { login: { accountId: login } }
    : { error: "access_denied", error_description: "AADSTS65004: the person pressed Cancel" };
  return provider.interactionFinished(request, response, result);
});
console.log(JSON.stringify({ ready: true }));
