/** One of the processes: its container, and its replicas. */
import { Duration, RemovalPolicy, Size, Stack } from "aws-cdk-lib";
import type * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import * as ecr from "aws-cdk-lib/aws-ecr";
import * as ecs from "aws-cdk-lib/aws-ecs";
import type * as iam from "aws-cdk-lib/aws-iam";
import * as logs from "aws-cdk-lib/aws-logs";
import * as secretsmanager from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";

import { acknowledge } from "./acknowledge.js";
import { addCollector } from "./collector.js";
import type { DataStack } from "./data-stack.js";
import { drainSeconds, environment, opsPort, port } from "./environment.js";
import { services, type ServiceName } from "./services.js";
import type { Settings } from "./settings.js";

export interface ProcessProps {
  readonly cluster: ecs.Cluster;
  readonly data: DataStack;
  readonly settings: Settings;
  readonly taskRole: iam.IRole;
}

export class Process extends Construct {
  readonly service: ecs.FargateService;
  readonly securityGroup: ec2.SecurityGroup;

  constructor(scope: Construct, readonly name: ServiceName, props: ProcessProps) {
    super(scope, name);
    const { cluster, settings } = props;
    const task = this.task(props);
    const ownLogs = new logs.LogGroup(this, "Logs", {
      logGroupName: `/${settings.installation}/${name}`,
      retention: logs.RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.container(task, ownLogs, props);
    addCollector(task, name, settings, ownLogs);
    this.securityGroup = new ec2.SecurityGroup(this, "SecurityGroup", {
      vpc: cluster.vpc,
      description: `${settings.installation} ${name}`,
    });
    this.service = this.run(task, props);
    this.scale();
  }

  private task({ settings, taskRole }: ProcessProps): ecs.FargateTaskDefinition {
    const { cpu, memoryMib } = services[this.name];
    return new ecs.FargateTaskDefinition(this, "Task", {
      family: `${settings.installation}-${this.name}`,
      cpu,
      memoryLimitMiB: memoryMib,
      taskRole,
      runtimePlatform: {
        cpuArchitecture: ecs.CpuArchitecture.X86_64,
        operatingSystemFamily: ecs.OperatingSystemFamily.LINUX,
      },
    });
  }

  private container(
    task: ecs.FargateTaskDefinition,
    logGroup: logs.ILogGroup,
    { data, settings }: ProcessProps,
  ): void {
    const told = { settings, pool: data.pool, table: data.table.tableName };
    const linuxParameters = new ecs.LinuxParameters(this, "Linux", { initProcessEnabled: false });
    linuxParameters.dropCapabilities(ecs.Capability.ALL);
    task.addContainer("turnpike", {
      image: this.image(settings.image),
      command: [services[this.name].program],
      user: "65532:65532",
      readonlyRootFilesystem: true,
      linuxParameters,
      environment: environment(this.name, told),
      secrets: this.secrets(settings),
      portMappings: [
        { name: "rpc", containerPort: port, appProtocol: ecs.AppProtocol.http2 },
        { name: "ops", containerPort: opsPort },
      ],
      healthCheck: {
        // Whether it lives. Whether it is ready, the load balancer asks.
        command: ["CMD", "turnpike", "health", `http://127.0.0.1:${opsPort}/healthz`],
        interval: Duration.seconds(10),
        timeout: Duration.seconds(5),
        retries: 3,
        startPeriod: Duration.seconds(30),
      },
      // Fargate allows 120 at most.
      stopTimeout: Duration.seconds(drainSeconds.notice + drainSeconds.calls + 10),
      logging: ecs.LogDrivers.awsLogs({
        streamPrefix: this.name,
        // A burst of log lines must not stop a process that answers calls.
        mode: ecs.AwsLogDriverMode.NON_BLOCKING,
        maxBufferSize: Size.mebibytes(25),
        logGroup,
      }),
    });
    acknowledge(task, "AwsSolutions-ECS2", "the environment holds addresses and names; the secret is in Secrets Manager");
    acknowledge(
      task,
      "AwsSolutions-IAM5[Resource::*]",
      "of the execution role: ecr:GetAuthorizationToken knows no resources",
    );
  }

  private image(image: string): ecs.ContainerImage {
    const [, host = "", name = "", reference = ""] = /^([^/]+)\/([^:@]+)[:@](.+)$/.exec(image) ?? [];
    const [account = "", , , region = ""] = host.split(".");
    const repositoryArn = Stack.of(this).formatArn({
      service: "ecr",
      resource: "repository",
      resourceName: name,
      account,
      region,
    });
    const repository = ecr.Repository.fromRepositoryAttributes(this, "Image", {
      repositoryArn,
      repositoryName: name,
    });
    return ecs.ContainerImage.fromEcrRepository(repository, reference);
  }

  private secrets({ staffLogin }: Settings): Record<string, ecs.Secret> {
    if (this.name !== "gateway") return {};
    const secret = secretsmanager.Secret.fromSecretNameV2(this, "StaffLogin", staffLogin.clientSecretName);
    return { TURNPIKE_OIDC__CLIENT_SECRET: ecs.Secret.fromSecretsManager(secret) };
  }

  private run(task: ecs.FargateTaskDefinition, { cluster, settings }: ProcessProps): ecs.FargateService {
    const { replicas } = services[this.name];
    return new ecs.FargateService(this, "Service", {
      cluster,
      serviceName: this.name,
      taskDefinition: task,
      desiredCount: replicas.least,
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { rollback: true },
      securityGroups: [this.securityGroup],
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
      enableExecuteCommand: false,
      propagateTags: ecs.PropagatedTagSource.SERVICE,
      ...(this.name === "gateway" ? { healthCheckGracePeriod: Duration.seconds(60) } : {}),
      serviceConnectConfiguration: {
        namespace: settings.installation,
        services: this.name === "gateway" ? [] : [this.connected()],
      },
    });
  }

  private connected(): ecs.ServiceConnectService {
    return {
      portMappingName: "rpc",
      discoveryName: this.name,
      dnsName: this.name,
      port,
      // Streams last; calls carry their own deadline.
      perRequestTimeout: Duration.seconds(0),
      idleTimeout: Duration.hours(1),
    };
  }

  private scale(): void {
    const { least, most } = services[this.name].replicas;
    const scaling = this.service.autoScaleTaskCount({ minCapacity: least, maxCapacity: most });
    scaling.scaleOnCpuUtilization("Cpu", {
      targetUtilizationPercent: 60,
      scaleInCooldown: Duration.minutes(10),
      scaleOutCooldown: Duration.minutes(1),
    });
  }

  metricCpu(): cloudwatch.Metric {
    return this.service.metricCpuUtilization();
  }

  metricMemory(): cloudwatch.Metric {
    return this.service.metricMemoryUtilization();
  }
}
