/** One page: is it well, who is slow, what does it cost of the ceilings of docs/scale.md. */
import { Duration } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import type { Construct } from "constructs";

import type { Watched } from "./alarms.js";
import { budget } from "./cognito-budgets.js";
import { metric, metrics } from "./metrics.js";
import { serviceNames, services } from "./services.js";
import type { Settings } from "./settings.js";

export function dashboard(
  scope: Construct,
  { installation, region }: Settings,
  { data, services }: Watched,
  alarms: cloudwatch.IAlarm[],
): cloudwatch.Dashboard {
  const page = new cloudwatch.Dashboard(scope, "Dashboard", {
    dashboardName: installation,
    defaultInterval: Duration.hours(6),
  });
  const graph: Graph = (title, left, more = {}) =>
    new cloudwatch.GraphWidget({ title, left, width: 8, height: 6, region, ...more });
  const calls = "rpc_server_call_duration_seconds";
  const each = (name: string, statistic: string) =>
    (metrics[name]?.of ?? []).map((service) => metric(name, { service }, statistic, { label: service }));
  page.addWidgets(new cloudwatch.AlarmStatusWidget({ title: "Alarms", alarms, width: 24, height: 5 }));
  page.addWidgets(
    graph("Requests", [
      services.loadBalancer.metrics.requestCount({ statistic: "Sum" }),
      services.loadBalancer.metrics.activeConnectionCount({ statistic: "Sum" }),
    ]),
    graph("Calls a minute", each(calls, "SampleCount")),
    graph("Duration of calls, average, s", each(calls, "Average")),
  );
  page.addWidgets(
    graph(
      "Tokens",
      ["issued", "kept", "invalid_client", "temporarily_unavailable", "server_error"].map((outcome) =>
        metric("turnpike_http_requests_total", { service: "tokens", endpoint: "/oauth2/token", outcome }, "Sum", {
          label: outcome,
        }),
      ),
    ),
    graph("CPU, %", serviceNames.map((name) => services.processes[name].metricCpu())),
    graph("Memory, %", serviceNames.map((name) => services.processes[name].metricMemory())),
  );
  page.addWidgets(
    graph("Units written and read", [
      data.table.metricConsumedWriteCapacityUnits({ statistic: "Sum", period: Duration.minutes(1) }),
      data.table.metricConsumedReadCapacityUnits({ statistic: "Sum", period: Duration.minutes(1) }),
    ]),
    graph("Conflicts of transactions", [
      data.table.metric("TransactionConflict", { statistic: "Sum", period: Duration.minutes(1) }),
    ]),
    graph("Behind the log, s", each("turnpike_policy_lag_seconds", "Maximum")),
    // By words, since AWS does not document the dimensions of these.
    graph("What Cognito throttled", [
      new cloudwatch.SearchExpression({
        expression: "SEARCH('Namespace=\"AWS/Usage\" MetricName=\"ThrottleCount\" UserPool', 'Sum', 300)",
        period: Duration.minutes(5),
        label: "",
      }),
    ]),
  );
  page.addWidgets(...ofTheBroker(graph));
  page.addWidgets(...ofThePool(graph));
  return page;
}

type Graph = (title: string, left: cloudwatch.IMetric[], more?: Partial<cloudwatch.GraphWidgetProps>) => cloudwatch.GraphWidget;

function ofTheBroker(graph: Graph): cloudwatch.GraphWidget[] {
  const service = "tokens";
  const by = (name: string, label: string, values: string[]) =>
    values.map((value) => metric(name, { service, [label]: value }, "Sum", { label: value }));
  const share = 60 * budget("tokens") * services.tokens.replicas.most;
  return [
    graph("Tokens given a minute, by where they came from", by("turnpike_broker_served_total", "from", ["cache", "issuer", "bridge", "outage"]), {
      stacked: true,
    }),
    graph("Tokens that Cognito bills, a minute", [metric("turnpike_broker_paid_total", { service }, "Sum", { label: "bought" })], {
      leftAnnotations: [{ value: share, label: "all that we may have" }],
    }),
    // A client that keeps no token, guesses and changes on their way are the caller's business, or pass.
    graph("Tokens refused a minute, by reason", by("turnpike_broker_refused_total", "reason", [
      "client_budget", "defect", "down", "grant_refused", "scope_refused", "secret_refused", "store_down", "throttled", "turns",
    ])),
  ];
}

function ofThePool(graph: Graph): cloudwatch.GraphWidget[] {
  const service = "clients";
  const most = (name: string, label: string) => metric(name, { service }, "Maximum", { label });
  return [
    graph("Cognito has yet to be told", [most("turnpike_outbox_depth", "of objects")], {
      right: [most("turnpike_outbox_oldest_seconds", "of the oldest for, s")],
    }),
    graph(
      "Drift, objects",
      ["different", "missing", "unmanaged"].map((kind) =>
        metric("turnpike_drift", { service, kind }, "Maximum", { label: kind }),
      ),
    ),
    graph("Since the last whole walk began, s", [most("turnpike_drift_walk_age_seconds", "age")]),
  ];
}
