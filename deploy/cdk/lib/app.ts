/** The installation as stacks. Nothing is looked up: the same settings make the same templates anywhere. */
import { App, Tags, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";

import { AccessStack } from "./access-stack.js";
import { DataStack } from "./data-stack.js";
import { NetworkStack } from "./network-stack.js";
import { OperationsStack } from "./operations-stack.js";
import { ServicesStack } from "./services-stack.js";
import type { Settings } from "./settings.js";

export interface Stacks {
  readonly app: App;
  readonly data: DataStack;
  readonly access: AccessStack;
  /** Unless the processes run elsewhere. */
  readonly fargate?: {
    readonly network: NetworkStack;
    readonly services: ServicesStack;
    readonly operations: OperationsStack;
  };
}

export function build(
  settings: Settings,
  outdir: string,
  context: Record<string, unknown> = {},
): Stacks {
  const app = new App({
    outdir,
    analyticsReporting: false,
    context: {
      ...context,
      // Execution roles write to their own log group only.
      "@aws-cdk/aws-ecs:reduceEc2FargateCloudWatchPermissions": true,
      // Regions of the partition `aws` have it in their ARNs, which then read as they are.
      "@aws-cdk/core:enablePartitionLiterals": true,
      // Without it, a function of Lambda empties each network's default security group.
      "@aws-cdk/aws-ec2:restrictDefaultSecurityGroup": false,
    },
  });
  const { installation, account, region } = settings;
  const props = { env: { account, region } };
  const data = new DataStack(app, `${installation}-data`, settings, props);
  const access = new AccessStack(app, `${installation}-access`, settings, data, props);
  Tags.of(app).add("application", installation);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }));
  if (settings.runsOn === "eks") return { app, data, access };
  const network = new NetworkStack(app, `${installation}-network`, settings, props);
  const before = { settings, data, access, network };
  const services = new ServicesStack(app, `${installation}-services`, before, props);
  const watched = { data, services };
  const operations = new OperationsStack(app, `${installation}-operations`, settings, watched, props);
  return { app, data, access, fargate: { network, services, operations } };
}
