/**
 * When somebody must look. Each alarm has a heading of its own in docs/runbook.md, by its name; a test holds that. An alarm
 * asks for something that a person does: what heals by itself is on the dashboard only.
 */
import { Duration } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import { HttpCodeElb, HttpCodeTarget } from "aws-cdk-lib/aws-elasticloadbalancingv2";

import { tellingSeconds, walkPauseMinutes, walkSeconds } from "./cognito-budgets.js";
import type { DataStack } from "./data-stack.js";
import { exports, metric } from "./metrics.js";
import type { ServicesStack } from "./services-stack.js";
import { serviceNames, services, type ServiceName } from "./services.js";

export interface Condition {
  /** Its name, and its heading in the runbook. */
  readonly name: string;
  /** One sentence for whoever is woken. */
  readonly says: string;
  readonly metric: cloudwatch.IMetric;
  readonly above?: number;
  readonly below?: number;
  /** Of so many of the last periods, so many. */
  readonly of: number;
  readonly atLeast: number;
  /** Whether silence is bad news. */
  readonly silence?: "breaching";
}

export interface Watched {
  readonly data: DataStack;
  readonly services: ServicesStack;
}

export function conditions(watched: Watched): Condition[] {
  return [
    ...ofTheDoor(watched),
    ...serviceNames.flatMap((name) => ofAProcess(name, watched)),
    ...ofTokens(),
    ...ofThePool(),
    ...ofTheTable(watched),
  ];
}

function ofTheDoor({ services: { loadBalancer, targets } }: Watched): Condition[] {
  const minutes = { period: Duration.minutes(1) };
  const sum = { ...minutes, statistic: "Sum" };
  const failed = ratio(
    [
      loadBalancer.metrics.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT, sum),
      loadBalancer.metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, sum),
    ],
    [loadBalancer.metrics.requestCount(sum)],
  );
  return [
    {
      name: "requests-fail",
      says: "More than 1 % of the requests to the gateway end with 5xx.",
      metric: failed,
      above: 1,
      of: 5,
      atLeast: 3,
    },
    {
      name: "requests-slow",
      says: "One request in a hundred takes more than a second until its answer begins.",
      metric: targets.http.metrics.targetResponseTime({ ...minutes, statistic: "p99" }),
      above: 1,
      of: 15,
      atLeast: 10,
    },
    ...(["http", "grpc"] as const).map((kind) => ({
      name: `gateway-unreachable-${kind}`,
      says: `Fewer than two gateways answer the load balancer over ${kind === "grpc" ? "gRPC" : "HTTP"}.`,
      metric: targets[kind].metrics.healthyHostCount({ ...minutes, statistic: "Minimum" }),
      below: services.gateway.replicas.least,
      of: 5,
      atLeast: 5,
      silence: "breaching" as const,
    })),
  ];
}

function ofAProcess(name: ServiceName, { services: stack }: Watched): Condition[] {
  const process = stack.processes[name];
  const insights = (metricName: string) =>
    new cloudwatch.Metric({
      namespace: "ECS/ContainerInsights",
      metricName,
      dimensionsMap: {
        ClusterName: process.service.cluster.clusterName,
        ServiceName: process.service.serviceName,
      },
      statistic: "Minimum",
      period: Duration.minutes(1),
    });
  const common: Condition[] = [
    {
      name: `replicas-missing-${name}`,
      says: `Fewer ${name} run than two.`,
      metric: insights("RunningTaskCount"),
      below: services[name].replicas.least,
      of: 10,
      atLeast: 10,
      silence: "breaching",
    },
    {
      name: `memory-short-${name}`,
      says: `The ${name} use more than 85 % of their memory.`,
      metric: process.metricMemory().with({ statistic: "Maximum", period: Duration.minutes(1) }),
      above: 85,
      of: 10,
      atLeast: 10,
    },
    {
      name: `cpu-busy-${name}`,
      says: `The ${name} are busy although there are as many as there may be.`,
      metric: process.metricCpu().with({ statistic: "Average", period: Duration.minutes(1) }),
      above: 85,
      of: 15,
      atLeast: 15,
    },
  ];
  return [...common, ...ofItsPolicy(name), ...ofItsCalls(name)];
}

function ofItsPolicy(name: ServiceName): Condition[] {
  const lag = "turnpike_policy_lag_seconds";
  if (!exports(name, lag)) return [];
  return [
    {
      name: `policy-behind-${name}`,
      says: `A replica of ${name} does not follow the log: what was revoked may still be good there.`,
      metric: metric(lag, { service: name }, "Maximum"),
      above: 5,
      of: 3,
      atLeast: 3,
    },
  ];
}

function ofItsCalls(name: ServiceName): Condition[] {
  const calls = "rpc_server_call_duration_seconds";
  if (!exports(name, calls)) return [];
  const bad = ["INTERNAL", "UNAVAILABLE", "DATA_LOSS", "DEADLINE_EXCEEDED", "UNKNOWN"].map((rpc_status_code) =>
    metric(calls, { service: name, rpc_status_code }, "SampleCount"),
  );
  return [
    {
      name: `calls-fail-${name}`,
      says: `More than 1 % of the calls to ${name} fail by its own fault.`,
      metric: ratio(bad, [metric(calls, { service: name }, "SampleCount")]),
      above: 1,
      of: 5,
      atLeast: 3,
    },
  ];
}

function ofTokens(): Condition[] {
  const outcomes = (outcome: string) =>
    metric("turnpike_http_requests_total", { service: "tokens", endpoint: "/oauth2/token", outcome }, "Sum");
  const failed = [outcomes("temporarily_unavailable"), outcomes("server_error")];
  const served = (from: string) => metric("turnpike_broker_served_total", { service: "tokens", from }, "Sum");
  const bridged = [served("bridge"), served("outage")];
  const contradicted = ["grant_refused", "scope_refused", "secret_refused"].map((reason) =>
    metric("turnpike_broker_refused_total", { service: "tokens", reason }, "Sum"),
  );
  return [
    {
      name: "tokens-fail",
      says: "More than 5 % of those who ask for a token, and may have one, do not get it.",
      metric: ratio(failed, [...failed, outcomes("issued"), outcomes("kept")]),
      above: 5,
      of: 5,
      atLeast: 3,
    },
    {
      // A kept token bridges the last quarter of its life, less a minute: 14 minutes of one of an hour. Three of them are
      // gone when this rings; those who have no kept token make `tokens-fail` ring by then.
      name: "tokens-bridged",
      says: "More than 5 % of the tokens given are kept ones that should have been replaced: no new ones can be had.",
      metric: ratio(bridged, [...bridged, served("cache"), served("issuer")]),
      above: 5,
      of: 5,
      atLeast: 3,
    },
    {
      // The broker looks at the outbox before it counts one, so that a change on its way is none. What the pool has taken
      // may still take Cognito a moment to follow: hence minutes, of which one who asks again fills three at once.
      name: "tokens-contradicted",
      says: "The pool refuses a token that the registry grants: somebody else has changed a client there.",
      metric: total(contradicted, "refused tokens"),
      above: 0,
      of: 15,
      atLeast: 3,
    },
  ];
}

/**
 * The registry is the truth, and the pool its image: what is wrong is an image that does not follow, and one that somebody
 * else has changed. Both programs that keep the pool measure it in the table, and so the same; if this one is gone,
 * `replicas-missing` says so.
 */
function ofThePool(): Condition[] {
  const service = "clients";
  const drift = (kind: string) => metric("turnpike_drift", { service, kind }, "Maximum");
  return [
    {
      // A change is told within seconds, one that failed is tried again within a minute, and what a dead process left is
      // taken over after half of one. Nothing waits for longer than a change of every client of a full pool takes.
      name: "outbox-stuck",
      says: "Cognito has not been told of a change for longer than it takes to tell it of all clients.",
      metric: metric("turnpike_outbox_oldest_seconds", { service }, "Maximum"),
      above: tellingSeconds,
      of: 5,
      atLeast: 5,
    },
    {
      // It stands until the next walk: there is nothing to wait for.
      name: "drift-found",
      says: "A client or resource server in the pool is not what the registry says, or is missing there.",
      metric: total([drift("different"), drift("missing")], "objects"),
      above: 0,
      of: 3,
      atLeast: 3,
    },
    {
      // While an existing pool is adopted there are many, for weeks; that there are more is news at any time.
      name: "unmanaged-found",
      says: "A walk found more clients or resource servers that only the pool knows than the one before.",
      metric: new cloudwatch.MathExpression({
        label: "more objects",
        period: Duration.minutes(1),
        expression: "DIFF(m0)",
        usingMetrics: { m0: drift("unmanaged") },
      }),
      above: 0,
      of: 1,
      atLeast: 1,
    },
    {
      // The age counts from when the last whole walk began. It is oldest just before the next one ends: a walk, the pause,
      // and another walk. Before the first has ended it counts from 1970, and a new installation may have a while for it.
      name: "walk-overdue",
      says: "No walk that looks for drift has reached its end for longer than two of a full pool take.",
      metric: metric("turnpike_drift_walk_age_seconds", { service }, "Maximum"),
      above: 2 * walkSeconds + 60 * walkPauseMinutes,
      of: 60,
      atLeast: 60,
    },
  ];
}

function ofTheTable({ data: { table } }: Watched): Condition[] {
  const of = (metricName: string, label: string) =>
    total(
      ["GetItem", "Query", "TransactWriteItems"].map(
        (Operation) =>
          new cloudwatch.Metric({
            namespace: "AWS/DynamoDB",
            metricName,
            dimensionsMap: { TableName: table.tableName, Operation },
            statistic: "Sum",
            period: Duration.minutes(1),
          }),
      ),
      label,
    );
  return [
    {
      name: "table-throttled",
      says: "DynamoDB throttles the table.",
      metric: of("ThrottledRequests", "throttled requests"),
      above: 10,
      of: 5,
      atLeast: 3,
    },
    {
      name: "table-fails",
      says: "DynamoDB answers with errors of its own.",
      metric: of("SystemErrors", "system errors"),
      above: 5,
      of: 5,
      atLeast: 3,
    },
  ];
}

/** In percent; 0 where little was asked. */
function ratio(parts: cloudwatch.IMetric[], whole: cloudwatch.IMetric[]): cloudwatch.MathExpression {
  const all = summed("w", whole);
  return new cloudwatch.MathExpression({
    label: "percent",
    period: Duration.minutes(1),
    expression: `IF(${all} > 20, 100 * ${summed("p", parts)} / ${all}, 0)`,
    usingMetrics: { ...named("p", parts), ...named("w", whole) },
  });
}

function total(parts: cloudwatch.IMetric[], label: string): cloudwatch.MathExpression {
  return new cloudwatch.MathExpression({
    label,
    period: Duration.minutes(1),
    expression: summed("m", parts),
    usingMetrics: named("m", parts),
  });
}

const summed = (prefix: string, { length }: unknown[]) =>
  `SUM([${Array.from({ length }, (_, n) => `FILL(${prefix}${n}, 0)`).join(", ")}])`;

const named = (prefix: string, list: cloudwatch.IMetric[]) =>
  Object.fromEntries(list.map((one, n) => [`${prefix}${n}`, one] as const));
