/** The configuration of the processes, as variables: `TURNPIKE_SECTION__KEY`. `--dump-config` of a program shows all keys. */
import { budget, operationBudget, users, walkPauseMinutes, type Category } from "./cognito-budgets.js";
import { otlp } from "./collector.js";
import type { Pool } from "./data-stack.js";
import { serviceNames, type ServiceName } from "./services.js";
import type { Settings } from "./settings.js";

/** HTTP/1.1 and HTTP/2 without TLS, gRPC included. */
export const port = 8080;
/** `/healthz`, `/readyz`, `/metrics`. */
export const opsPort = 9090;
/** How long a process still takes calls after it said that it stops, and how long those may take then. */
export const drainSeconds = { notice: 10, calls: 30 } as const;

export interface Told {
  readonly settings: Settings;
  readonly pool: Pool;
  readonly table: string;
}

export function environment(name: ServiceName, { settings, pool, table }: Told): Record<string, string> {
  const { publicUrl, region, staffLogin } = settings;
  const common = {
    PUBLIC_URL: publicUrl,
    SERVER__LISTEN: `0.0.0.0:${port}`,
    SERVER__OPS_LISTEN: `0.0.0.0:${opsPort}`,
    // All callers come through the load balancer, or from the gateway.
    SERVER__CONNECTIONS_PER_ADDRESS: "0",
    SERVER__DRAIN_NOTICE_SECONDS: `${drainSeconds.notice}`,
    SERVER__DRAIN_SECONDS: `${drainSeconds.calls}`,
    LOG__FORMAT: "json",
    OTLP__ENDPOINT: otlp,
    // The collector reads `/metrics`.
    OTLP__METRICS_SECONDS: "0",
    STORE__KIND: "dynamodb",
    STORE__TABLE: table,
    STORE__REGION: region,
  };
  // Whoever asks a program for a setting that it does not have keeps it from starting.
  const service = {
    AUTHORIZATION_SERVER__KIND: "cognito",
    AUTHORIZATION_SERVER__USER_POOL_ID: pool.id,
    AUTHORIZATION_SERVER__REGION: region,
    AUTHORIZATION_SERVER__ISSUER: pool.issuer,
    AUTHORIZATION_SERVER__JWKS_URI: pool.jwksUri,
    AUTHORIZATION_SERVER__TOKEN_ENDPOINT: pool.tokenEndpoint,
    AUTHORIZATION_SERVER__DRIFT_WALK_PAUSE_MINUTES: `${walkPauseMinutes}`,
  };
  const budgets: [string, string][] = Object.entries(users)
    .filter(([, names]) => names.includes(name))
    .map(([category]) => [
      `AUTHORIZATION_SERVER__REQUESTS_PER_SECOND__${category.toUpperCase()}`,
      `${budget(category as Category)}`,
    ]);
  if (users.client_update.includes(name)) {
    budgets.push(["AUTHORIZATION_SERVER__REQUESTS_PER_SECOND__OPERATION", `${operationBudget}`]);
  }
  const gateway = {
    OIDC__ISSUER: staffLogin.issuer,
    OIDC__CLIENT_ID: staffLogin.clientId,
    ...Object.fromEntries(
      serviceNames
        .filter((other) => other !== "gateway")
        .map((other) => [`UPSTREAMS__${other.toUpperCase().replaceAll("-", "_")}`, `["http://${other}:${port}"]`]),
    ),
  };
  const all: Record<string, string> = {
    ...common,
    ...Object.fromEntries(budgets),
    ...(name === "gateway" ? gateway : service),
  };
  return Object.fromEntries(Object.entries(all).map(([key, value]) => [`TURNPIKE_${key}`, value]));
}
