// The orders API with `aws-jwt-verify`.
//
// Its CognitoJwtVerifier is for issuers at Cognito's addresses. JwtRsaVerifier is the same for any issuer that signs with
// RSA; what CognitoJwtVerifier checks of the claims is in bearer.mjs here.
import { JwtRsaVerifier } from "aws-jwt-verify";
import { FetchError, JwksValidationError } from "aws-jwt-verify/error";
import { SimpleJwksCache } from "aws-jwt-verify/jwk";
import { CannotTell } from "./bearer.mjs";
import { serve } from "./orders.mjs";
import { issuer, jwks, leeway } from "./settings.mjs";

// By itself it fetches keys over HTTPS only, which is right everywhere but on one's own machine.
const onThisMachine = /^http:\/\/127\.0\.0\.1[:/]/.test(jwks);
const overHttp = {
  fetch: async (uri) => {
    const unreachable = (why) => new FetchError(uri, why);
    const answer = await fetch(uri, { redirect: "error", signal: AbortSignal.timeout(3_000) }).catch((error) => {
      throw unreachable(error.message);
    });
    if (!answer.ok) throw unreachable(`status ${answer.status}`);
    return answer.arrayBuffer();
  },
};

const verifier = JwtRsaVerifier.create(
  // Turnpike's tokens, like Cognito's, have no `aud`: the scopes say for which API they are.
  { issuer, jwksUri: jwks, audience: null, graceSeconds: leeway },
  { jwksCache: new SimpleJwksCache(onThisMachine ? { fetcher: overHttp } : {}) },
);

await serve(async (token) => {
  try {
    return await verifier.verify(token, {
      customJwtCheck: ({ header }) => {
        // It knows other algorithms of RSA too, should a key not say which it is for.
        if (header.alg !== "RS256") throw new Error("another algorithm");
      },
    });
  } catch (error) {
    // Without keys nothing is known about the token.
    if (error instanceof FetchError || error instanceof JwksValidationError) throw new CannotTell(error.message);
    throw error;
  }
});
