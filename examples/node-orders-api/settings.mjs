// Settings, from the environment: see README.md.
const need = (name) => {
  if (process.env[name]) return process.env[name];
  console.error(`orders-api: set ${name}`);
  return process.exit(1);
};

/** Whose tokens are accepted: exactly what stands in them as `iss`. */
export const issuer = need("ORDERS_API_ISSUER");

/** Where the issuer's keys are. Not derived from the issuer. */
export const jwks = need("ORDERS_API_JWKS");

/** As what this API is registered: the part of its scopes before the last slash. */
export const identifier = process.env.ORDERS_API_IDENTIFIER || "lj-health-food";

/** Where it listens. Port 0 takes a free one. */
export const listen = new URL(`http://${process.env.ORDERS_API_LISTEN || "127.0.0.1:8081"}`);

/** How far the clocks of two machines may be apart, in seconds. */
export const leeway = 5;
