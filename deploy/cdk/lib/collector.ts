/**
 * A container beside each process that reads its `/metrics` and takes its traces, and hands them to CloudWatch and X-Ray:
 * the AWS distribution of the OpenTelemetry collector. The process itself knows neither.
 */
import { Duration } from "aws-cdk-lib";
import * as ecs from "aws-cdk-lib/aws-ecs";
import * as iam from "aws-cdk-lib/aws-iam";
import type * as logs from "aws-cdk-lib/aws-logs";

import { opsPort } from "./environment.js";
import { metrics, namespace } from "./metrics.js";
import type { ServiceName } from "./services.js";
import type { Settings } from "./settings.js";

export const collectorImage = "public.ecr.aws/aws-observability/aws-otel-collector:v0.43.3";

/** Where OTLP is taken, from this task alone. */
export const otlp = "http://127.0.0.1:4317";

/** The collector's statements on the task's role. */
export function collectorAccess(metricsLogGroupArn: string): iam.PolicyStatement[] {
  return [
    new iam.PolicyStatement({
      sid: "HandOverMetrics",
      actions: ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
      resources: [metricsLogGroupArn, `${metricsLogGroupArn}:log-stream:*`],
    }),
    new iam.PolicyStatement({
      sid: "HandOverTraces",
      actions: ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
      // X-Ray knows no resources for these (Service Authorization Reference).
      resources: ["*"],
    }),
  ];
}

export function addCollector(
  task: ecs.FargateTaskDefinition,
  name: ServiceName,
  { installation, region }: Settings,
  ownLogs: logs.ILogGroup,
): void {
  const linuxParameters = new ecs.LinuxParameters(task, "CollectorLinux");
  linuxParameters.dropCapabilities(ecs.Capability.ALL);
  task.addContainer("collector", {
    image: ecs.ContainerImage.fromRegistry(collectorImage),
    // A process without its measurements still does its work.
    essential: false,
    user: "65532:65532",
    readonlyRootFilesystem: true,
    linuxParameters,
    cpu: 64,
    memoryLimitMiB: 128,
    environment: { AOT_CONFIG_CONTENT: JSON.stringify(configuration(name, installation, region)) },
    stopTimeout: Duration.seconds(30),
    logging: ecs.LogDrivers.awsLogs({ streamPrefix: "collector", logGroup: ownLogs }),
  });
}

/** The collector's configuration; JSON is YAML. */
export function configuration(name: ServiceName, installation: string, region: string): object {
  return {
    receivers: {
      otlp: { protocols: { grpc: { endpoint: "127.0.0.1:4317" } } },
      prometheus: {
        config: {
          scrape_configs: [
            {
              job_name: "turnpike",
              scrape_interval: "60s",
              static_configs: [{ targets: [`127.0.0.1:${opsPort}`], labels: { service: name } }],
              metric_relabel_configs: [
                {
                  source_labels: ["__name__"],
                  regex: `(${Object.keys(metrics).join("|")})(_bucket|_sum|_count)?`,
                  action: "keep",
                },
              ],
            },
          ],
        },
      },
    },
    processors: { batch: {}, resourcedetection: { detectors: ["ecs"] } },
    exporters: {
      awsemf: {
        region,
        namespace,
        log_group_name: metricsLogGroupName(installation),
        log_stream_name: `${name}/{TaskId}`,
        dimension_rollup_option: "NoDimensionRollup",
        metric_declarations: Object.entries(metrics).map(([metric, { dimensions }]) => ({
          dimensions,
          metric_name_selectors: [`^${metric}$`],
        })),
      },
      awsxray: { region },
    },
    service: {
      pipelines: {
        metrics: {
          receivers: ["prometheus"],
          processors: ["resourcedetection", "batch"],
          exporters: ["awsemf"],
        },
        traces: { receivers: ["otlp"], processors: ["batch"], exporters: ["awsxray"] },
      },
    },
  };
}

export function metricsLogGroupName(installation: string): string {
  return `/${installation}/metrics`;
}
