/**
 * When somebody must look. Each alarm has a heading of its own in docs/runbook.md, by its name; a test holds that. An alarm
 * asks for something that a person does: what heals by itself is on the dashboard only.
 */
import { Duration } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import { HttpCodeElb, HttpCodeTarget } from "aws-cdk-lib/aws-elasticloadbalancingv2";

import type { DataStack } from "./data-stack.js";
import { metric } from "./metrics.js";
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
  return [...ofTheDoor(watched), ...serviceNames.flatMap((name) => ofAProcess(name, watched)), ...ofTokens(), ...ofTheTable(watched)];
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
  // The gateway serves no RPC of its own.
  return name === "gateway" ? common : [...common, ...ofItsCalls(name)];
}

function ofItsCalls(name: ServiceName): Condition[] {
  const calls = "rpc_server_call_duration_seconds";
  const bad = ["INTERNAL", "UNAVAILABLE", "DATA_LOSS", "DEADLINE_EXCEEDED", "UNKNOWN"].map((rpc_status_code) =>
    metric(calls, { service: name, rpc_status_code }, "SampleCount"),
  );
  return [
    {
      name: `policy-behind-${name}`,
      says: `A replica of ${name} does not follow the log: what was revoked may still be good there.`,
      metric: metric("turnpike_policy_lag_seconds", { service: name }, "Maximum"),
      above: 5,
      of: 3,
      atLeast: 3,
    },
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
  return [
    {
      name: "tokens-fail",
      says: "More than 5 % of those who ask for a token, and may have one, do not get it.",
      metric: ratio(failed, [...failed, outcomes("issued")]),
      above: 5,
      of: 5,
      atLeast: 3,
    },
  ];
}

function ofTheTable({ data: { table } }: Watched): Condition[] {
  const sum = { statistic: "Sum", period: Duration.minutes(1) };
  const operations = ["GetItem", "Query", "TransactWriteItems"];
  const of = (metricName: string, label: string) =>
    new cloudwatch.MathExpression({
      label,
      period: Duration.minutes(1),
      expression: `SUM([${operations.map((_, n) => `FILL(m${n}, 0)`).join(", ")}])`,
      usingMetrics: Object.fromEntries(
        operations.map((Operation, n) => [
          `m${n}`,
          new cloudwatch.Metric({
            namespace: "AWS/DynamoDB",
            metricName,
            dimensionsMap: { TableName: table.tableName, Operation },
            ...sum,
          }),
        ]),
      ),
    });
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
  const sum = (prefix: string, { length }: unknown[]) =>
    `SUM([${Array.from({ length }, (_, n) => `FILL(${prefix}${n}, 0)`).join(", ")}])`;
  const named = (prefix: string, list: cloudwatch.IMetric[]) => list.map((one, n) => [`${prefix}${n}`, one] as const);
  const all = sum("w", whole);
  return new cloudwatch.MathExpression({
    label: "percent",
    period: Duration.minutes(1),
    expression: `IF(${all} > 20, 100 * ${sum("p", parts)} / ${all}, 0)`,
    usingMetrics: Object.fromEntries([...named("p", parts), ...named("w", whole)]),
  });
}
