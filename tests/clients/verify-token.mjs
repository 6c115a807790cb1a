// Verifies a token with aws-jwt-verify's JwtRsaVerifier, as for any RSA issuer, and with the checks of its
// CognitoJwtVerifier that do not depend on Cognito's addresses.
// Environment: ISSUER, JWKS_URI, TOKEN. Prints {"accepted": payload} or {"refused": name of the error}.
import { JwtRsaVerifier } from "aws-jwt-verify";

const { ISSUER, JWKS_URI, TOKEN } = process.env;
const verifier = JwtRsaVerifier.create({ issuer: ISSUER, jwksUri: JWKS_URI, audience: null });
// It fetches keys over HTTPS only; the tests' issuer is plain HTTP on loopback.
verifier.cacheJwks(await (await fetch(JWKS_URI)).json());
try {
  const accepted = await verifier.verify(TOKEN, {
    customJwtCheck: ({ payload }) => {
      if (payload.token_use !== "access") throw new Error("token_use");
    },
  });
  console.log(JSON.stringify({ accepted }));
} catch (error) {
  console.log(JSON.stringify({ refused: error.name }));
}
