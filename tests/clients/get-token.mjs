// Gets a token with openid-client: discovery of the issuer, then client credentials.
// Environment: ISSUER, CLIENT_ID, CLIENT_SECRET, SCOPE, AUTH (basic or post). Prints the answer as JSON.
import * as client from "openid-client";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, SCOPE, AUTH } = process.env;
const authentication =
  AUTH === "post" ? client.ClientSecretPost(CLIENT_SECRET) : client.ClientSecretBasic(CLIENT_SECRET);
const configuration = await client.discovery(
  new URL(ISSUER),
  CLIENT_ID,
  undefined,
  authentication,
  // The tests' issuer is plain HTTP on loopback.
  { execute: [client.allowInsecureRequests] },
);
const answer = await client.clientCredentialsGrant(configuration, SCOPE ? { scope: SCOPE } : {});
console.log(JSON.stringify(answer));
