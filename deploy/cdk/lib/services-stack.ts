/** The processes, and the load balancer before the gateway. */
import { Duration, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import * as acm from "aws-cdk-lib/aws-certificatemanager";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import * as ecs from "aws-cdk-lib/aws-ecs";
import * as elb from "aws-cdk-lib/aws-elasticloadbalancingv2";
import * as logs from "aws-cdk-lib/aws-logs";
import * as servicediscovery from "aws-cdk-lib/aws-servicediscovery";
import type { Construct } from "constructs";

import type { AccessStack } from "./access-stack.js";
import { acknowledge } from "./acknowledge.js";
import { metricsLogGroupName } from "./collector.js";
import type { DataStack } from "./data-stack.js";
import { drainSeconds, opsPort, port } from "./environment.js";
import type { NetworkStack } from "./network-stack.js";
import { Process } from "./process.js";
import { serviceNames, services, type ServiceName } from "./services.js";
import type { Settings } from "./settings.js";

export interface Before {
  readonly settings: Settings;
  readonly data: DataStack;
  readonly access: AccessStack;
  readonly network: NetworkStack;
}

export class ServicesStack extends Stack {
  readonly processes: Record<ServiceName, Process>;
  readonly loadBalancer: elb.ApplicationLoadBalancer;
  readonly targets: Record<"http" | "grpc", elb.ApplicationTargetGroup>;

  constructor(scope: Construct, id: string, before: Before, props: StackProps) {
    super(scope, id, props);
    const { settings, network } = before;
    this.processes = this.start(before);
    this.loadBalancer = this.balancer(settings, network);
    this.targets = { http: this.httpTargets(network), grpc: this.grpcTargets(network) };
    this.listen(settings);
    this.connect();
  }

  private start({ settings, data, access, network }: Before): Record<ServiceName, Process> {
    const cluster = new ecs.Cluster(this, "Cluster", {
      clusterName: settings.installation,
      vpc: network.vpc,
      containerInsightsV2: ecs.ContainerInsights.ENABLED,
      defaultCloudMapNamespace: {
        name: settings.installation,
        type: servicediscovery.NamespaceType.HTTP,
        useForServiceConnect: true,
      },
    });
    const metrics = new logs.LogGroup(this, "Metrics", {
      logGroupName: metricsLogGroupName(settings.installation),
      // The numbers are in CloudWatch's metrics by then.
      retention: logs.RetentionDays.ONE_WEEK,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const made = Object.fromEntries(
      serviceNames.map((name) => [
        name,
        new Process(this, name, { cluster, data, settings, taskRole: access.roles[name] }),
      ]),
    ) as Record<ServiceName, Process>;
    for (const name of serviceNames) {
      made[name].service.node.addDependency(metrics);
      for (const other of services[name].after) {
        made[name].service.node.addDependency(made[other].service);
      }
    }
    return made;
  }

  private balancer({ installation }: Settings, { vpc, accessLogs }: NetworkStack) {
    const securityGroup = new ec2.SecurityGroup(this, "BalancerSecurityGroup", {
      vpc,
      description: `${installation} load balancer`,
      allowAllOutbound: false,
    });
    acknowledge(securityGroup, "AwsSolutions-EC23", "partners and staff come from anywhere; only HTTPS is open");
    const balancer = new elb.ApplicationLoadBalancer(this, "Balancer", {
      vpc,
      internetFacing: true,
      securityGroup,
      vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
      http2Enabled: true,
      // The policy feed may be silent for long, and pings of HTTP/2 do not count; this is the most there is.
      idleTimeout: Duration.seconds(4000),
      dropInvalidHeaderFields: true,
      desyncMitigationMode: elb.DesyncMitigationMode.STRICTEST,
      deletionProtection: true,
      // Who asks, as the last entry of x-forwarded-for.
      xffHeaderProcessingMode: elb.XffHeaderProcessingMode.APPEND,
    });
    balancer.logAccessLogs(accessLogs, "balancer");
    return balancer;
  }

  /** Browsers, partners, gRPC-web: whatever is not gRPC, over HTTP/1.1 to the gateway. */
  private httpTargets({ vpc }: NetworkStack): elb.ApplicationTargetGroup {
    return new elb.ApplicationTargetGroup(this, "HttpTargets", {
      vpc,
      targetType: elb.TargetType.IP,
      protocol: elb.ApplicationProtocol.HTTP,
      protocolVersion: elb.ApplicationProtocolVersion.HTTP1,
      port,
      targets: [this.gateway()],
      deregistrationDelay: Duration.seconds(drainSeconds.calls),
      healthCheck: {
        path: "/readyz",
        port: `${opsPort}`,
        interval: Duration.seconds(5),
        timeout: Duration.seconds(3),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 2,
      },
    });
  }

  /** The same port of the gateway in gRPC: streams both ways, and trailers. */
  private grpcTargets({ vpc }: NetworkStack): elb.ApplicationTargetGroup {
    return new elb.ApplicationTargetGroup(this, "GrpcTargets", {
      vpc,
      targetType: elb.TargetType.IP,
      protocol: elb.ApplicationProtocol.HTTP,
      protocolVersion: elb.ApplicationProtocolVersion.GRPC,
      port,
      targets: [this.gateway()],
      deregistrationDelay: Duration.seconds(drainSeconds.calls),
      healthCheck: {
        path: "/grpc.health.v1.Health/Check",
        healthyGrpcCodes: "0",
        interval: Duration.seconds(5),
        timeout: Duration.seconds(3),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 2,
      },
    });
  }

  private gateway() {
    const { service } = this.processes.gateway;
    return service.loadBalancerTarget({ containerName: "turnpike", containerPort: port });
  }

  private listen({ certificateArn }: Settings): void {
    const listener = this.loadBalancer.addListener("Https", {
      port: 443,
      protocol: elb.ApplicationProtocol.HTTPS,
      sslPolicy: elb.SslPolicy.TLS13_RES,
      certificates: [acm.Certificate.fromCertificateArn(this, "Certificate", certificateArn)],
      defaultTargetGroups: [this.targets.http],
      open: true,
    });
    listener.addTargetGroups("Grpc", {
      priority: 1,
      // gRPC-web is `application/grpc-web...` and goes with everything else.
      conditions: [
        elb.ListenerCondition.httpHeader("content-type", ["application/grpc", "application/grpc+*"]),
      ],
      targetGroups: [this.targets.grpc],
    });
  }

  /** Who may reach whom: the load balancer the gateway, the gateway the services. */
  private connect(): void {
    const { gateway, ...others } = this.processes;
    gateway.service.connections.allowFrom(
      this.loadBalancer,
      ec2.Port.tcp(opsPort),
      "readiness, asked by the load balancer",
    );
    for (const other of Object.values(others)) {
      other.service.connections.allowFrom(gateway.service, ec2.Port.tcp(port), "calls of the gateway");
    }
  }
}
