// The orders API with `jose`.
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import { CannotTell } from "./bearer.mjs";
import { serve } from "./orders.mjs";
import { issuer, jwks, leeway } from "./settings.mjs";

// Keeps the keys for ten minutes, and looks for an unknown one at most every 30 seconds.
const keys = createRemoteJWKSet(new URL(jwks), { timeoutDuration: 3_000 });

const getKey = async (header, token) => {
  try {
    return await keys(header, token);
  } catch (error) {
    const aboutTheToken =
      error instanceof errors.JWKSNoMatchingKey ||
      error instanceof errors.JWKSMultipleMatchingKeys ||
      error instanceof errors.JOSENotSupported;
    // Without keys nothing is known about the token.
    throw aboutTheToken ? error : new CannotTell(error.message);
  }
};

await serve(async (token) => {
  const { payload } = await jwtVerify(token, getKey, {
    issuer,
    // Never what the token says: a key is for one algorithm.
    algorithms: ["RS256"],
    clockTolerance: leeway,
  });
  return payload;
});
