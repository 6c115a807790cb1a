/** One role for each process, with what `access.ts` says of it. */
import { Stack, type StackProps } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";

import { access } from "./access.js";
import { acknowledge } from "./acknowledge.js";
import { collectorAccess, metricsLogGroupName } from "./collector.js";
import type { DataStack } from "./data-stack.js";
import { serviceNames, type ServiceName } from "./services.js";
import type { Settings } from "./settings.js";

export class AccessStack extends Stack {
  readonly roles: Record<ServiceName, iam.Role>;

  constructor(scope: Construct, id: string, settings: Settings, data: DataStack, props: StackProps) {
    super(scope, id, props);
    const roles = serviceNames.map((name) => [name, this.role(name, settings, data)] as const);
    this.roles = Object.fromEntries(roles) as Record<ServiceName, iam.Role>;
  }

  private role(name: ServiceName, { installation, account, runsOn }: Settings, data: DataStack): iam.Role {
    // No other account's tasks and pods.
    const conditions = { StringEquals: { "aws:SourceAccount": account } };
    const pods = new iam.ServicePrincipal("pods.eks.amazonaws.com", { conditions });
    const role = new iam.Role(this, name, {
      roleName: `${installation}-${name}`,
      description: `What ${installation} ${name} may do with AWS`,
      assumedBy:
        runsOn === "eks"
          ? pods.withSessionTags()
          : new iam.ServicePrincipal("ecs-tasks.amazonaws.com", { conditions }),
    });
    const own = access(name, { pool: data.pool, tableArn: data.table.tableArn });
    own.forEach((statement) => role.addToPolicy(statement));
    if (runsOn === "fargate") this.addCollector(role, installation);
    return role;
  }

  private addCollector(role: iam.Role, installation: string): void {
    const logGroup = `arn:aws:logs:${this.region}:${this.account}:log-group:${metricsLogGroupName(installation)}`;
    collectorAccess(logGroup).forEach((statement) => role.addToPolicy(statement));
    acknowledge(
      role,
      `AwsSolutions-IAM5[Resource::${logGroup}:log-stream:*]`,
      "the streams of one log group; each task names its own",
    );
    acknowledge(role, "AwsSolutions-IAM5[Resource::*]", "X-Ray knows no resources for what takes traces");
  }
}
