/**
 * Which of the metrics at `/metrics` go to CloudWatch, of which processes, and by which labels: each combination costs by
 * itself. A test of the real processes holds that each of them exports what is named here.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import { Duration } from "aws-cdk-lib";

import { root } from "./root.js";
import type { ServiceName } from "./services.js";

export const namespace = "Turnpike";

export interface Exported {
  /** Who has it. An alarm about another one would stay silent for ever. */
  readonly of: readonly ServiceName[];
  readonly dimensions: readonly (readonly string[])[];
}

export const metrics: Record<string, Exported> = JSON.parse(
  readFileSync(join(root, "metrics.json"), "utf8"),
);

/** Whether a process has a metric. */
export function exports(service: ServiceName, name: string): boolean {
  return metrics[name]?.of.includes(service) ?? false;
}

/** A metric of a process in CloudWatch; only what it exports, with labels that are. */
export function metric(
  name: string,
  labels: { readonly service: ServiceName } & Record<string, string>,
  statistic: string,
  more: Omit<cloudwatch.MetricProps, "namespace" | "metricName" | "dimensionsMap" | "statistic"> = {},
): cloudwatch.Metric {
  const wanted = Object.keys(labels).sort().join();
  const known = metrics[name]?.dimensions.some((set) => [...set].sort().join() === wanted);
  if (!known) throw new Error(`${name} by ${wanted} is not in metrics.json`);
  if (!exports(labels.service, name)) throw new Error(`${name} is not of ${labels.service} in metrics.json`);
  return new cloudwatch.Metric({
    namespace,
    metricName: name,
    dimensionsMap: labels,
    statistic,
    period: Duration.minutes(1),
    ...more,
  });
}
