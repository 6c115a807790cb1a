/** Where the processes run: a network of their own, in which only the load balancer can be reached from outside. */
import { RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import * as logs from "aws-cdk-lib/aws-logs";
import * as s3 from "aws-cdk-lib/aws-s3";
import { Duration } from "aws-cdk-lib";
import type { Construct } from "constructs";

import { acknowledge } from "./acknowledge.js";
import type { Settings } from "./settings.js";

export class NetworkStack extends Stack {
  readonly vpc: ec2.Vpc;
  /** Who asked for what: the load balancer writes it. */
  readonly accessLogs: s3.Bucket;
  readonly #zones: readonly string[];

  constructor(scope: Construct, id: string, settings: Settings, props: StackProps) {
    super(scope, id, props);
    this.#zones = settings.availabilityZones;
    this.vpc = new ec2.Vpc(this, "Vpc", {
      availabilityZones: [...settings.availabilityZones],
      // One a zone: the loss of a zone must not cut the other off from Cognito.
      natGateways: settings.availabilityZones.length,
      subnetConfiguration: [
        { name: "public", subnetType: ec2.SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
        { name: "private", subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 22 },
      ],
    });
    acknowledge(this.vpc, "CloudFormation-Validate::W3010", "the settings say the zones, so that nothing is looked up");
    // Most of what leaves the network is for the table; this way it costs nothing and never meets the internet.
    this.vpc.addGatewayEndpoint("DynamoDb", { service: ec2.GatewayVpcEndpointAwsService.DYNAMODB });
    this.vpc.addFlowLog("FlowLog", {
      destination: ec2.FlowLogDestination.toCloudWatchLogs(
        new logs.LogGroup(this, "FlowLogGroup", {
          retention: logs.RetentionDays.ONE_MONTH,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
      ),
      // What was let through is in the load balancer's and the programs' own logs.
      trafficType: ec2.FlowLogTrafficType.REJECT,
    });
    this.accessLogs = new s3.Bucket(this, "AccessLogs", {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      encryption: s3.BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      lifecycleRules: [{ expiration: Duration.days(90) }],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(this.accessLogs, "AwsSolutions-S1", "it holds access logs; logging access to them would not end");
  }

  /** Said in the settings, so that synthesis looks nothing up. */
  override get availabilityZones(): string[] {
    return [...(this.#zones ?? [])];
  }
}
