/** One page: is it well, who is slow, what does it cost of the ceilings of docs/scale.md. */
import { Duration } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import type { Construct } from "constructs";

import type { Watched } from "./alarms.js";
import { metric } from "./metrics.js";
import { serviceNames, type ServiceName } from "./services.js";
import type { Settings } from "./settings.js";

const withCalls = serviceNames.filter((name) => name !== "gateway");

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
  const graph = (title: string, left: cloudwatch.IMetric[], more: Partial<cloudwatch.GraphWidgetProps> = {}) =>
    new cloudwatch.GraphWidget({ title, left, width: 8, height: 6, region, ...more });
  const calls = "rpc_server_call_duration_seconds";
  const each = (label: (name: ServiceName) => cloudwatch.Metric) => withCalls.map((name) => label(name).with({ label: name }));
  page.addWidgets(new cloudwatch.AlarmStatusWidget({ title: "Alarms", alarms, width: 24, height: 5 }));
  page.addWidgets(
    graph("Requests", [
      services.loadBalancer.metrics.requestCount({ statistic: "Sum" }),
      services.loadBalancer.metrics.activeConnectionCount({ statistic: "Sum" }),
    ]),
    graph("Calls a minute", each((service) => metric(calls, { service }, "SampleCount"))),
    graph("Duration of calls, average, s", each((service) => metric(calls, { service }, "Average"))),
  );
  page.addWidgets(
    graph(
      "Tokens",
      ["issued", "invalid_client", "temporarily_unavailable", "server_error"].map((outcome) =>
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
    graph("Behind the log, s", each((service) => metric("turnpike_policy_lag_seconds", { service }, "Maximum"))),
    // By words, since AWS does not document the dimensions of these.
    graph("What Cognito throttled", [
      new cloudwatch.SearchExpression({
        expression: "SEARCH('Namespace=\"AWS/Usage\" MetricName=\"ThrottleCount\" UserPool', 'Sum', 300)",
        period: Duration.minutes(5),
        label: "",
      }),
    ]),
  );
  return page;
}
