/**
 * What each process may do with AWS, all of it. A role has nothing that is not here, and a test reads the synthesized
 * policies back.
 */
import * as iam from "aws-cdk-lib/aws-iam";

import type { Pool } from "./data-stack.js";
import type { ServiceName } from "./services.js";
import { tableLayout } from "./table-layout.js";

export interface Subjects {
  readonly pool: Pool;
  readonly tableArn: string;
}

/**
 * Partitions of the table that belong to no record of the registry, as patterns of IAM (keys:
 * `crates/registry/src/keys.rs`). The store's own mark begins with a NUL, which a policy cannot say; `?` stands for it.
 */
const ofTheGateway = {
  reads: ["?turnpike", "ASSERTION-KEYS", "HEAD", "SYSTEM"],
  writes: ["ASSERTION-KEYS", "SYSTEM"],
};

/**
 * What the token service writes: secrets that were used or learned, tokens that are revoked, and the events that say so.
 */
const ofTheTokenService = ["CLIENT#*", "HEAD", "LOG#*", "OUTBOX", "REVOKED#*"];

// A transaction needs the rights of its parts (DynamoDB Developer Guide, "Using IAM with transactions").
const write = ["dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem"];

/** Everything by which Turnpike keeps a pool as the registry says. Nothing about users, and not the pool itself. */
export const poolActions = [
  "cognito-idp:AddUserPoolClientSecret",
  "cognito-idp:CreateResourceServer",
  "cognito-idp:CreateUserPoolClient",
  "cognito-idp:DeleteResourceServer",
  "cognito-idp:DeleteUserPoolClient",
  "cognito-idp:DeleteUserPoolClientSecret",
  "cognito-idp:DescribeResourceServer",
  "cognito-idp:DescribeUserPoolClient",
  "cognito-idp:ListResourceServers",
  "cognito-idp:ListUserPoolClientSecrets",
  "cognito-idp:ListUserPoolClients",
  "cognito-idp:UpdateResourceServer",
  "cognito-idp:UpdateUserPoolClient",
];

/** The statements of a process's role. */
export function access(name: ServiceName, { pool, tableArn }: Subjects): iam.PolicyStatement[] {
  const indexArns = tableLayout.indexes.map((index) => `${tableArn}/index/${index.name}`);
  const describe = new iam.PolicyStatement({
    sid: "HoldTheTableAgainstItsShape",
    actions: ["dynamodb:DescribeTable"],
    resources: [tableArn],
  });
  const readTable = new iam.PolicyStatement({
    sid: "ReadTheRegistry",
    actions: ["dynamodb:GetItem", "dynamodb:Query"],
    resources: [tableArn],
  });
  const readIndexes = new iam.PolicyStatement({
    sid: "FindInTheRegistry",
    actions: ["dynamodb:Query"],
    resources: indexArns,
  });
  const readAll = [describe, readTable, readIndexes];
  const writeAll = new iam.PolicyStatement({
    sid: "ChangeTheRegistry",
    actions: write,
    resources: [tableArn],
  });
  const keepThePool = new iam.PolicyStatement({
    sid: "KeepThePoolAsTheRegistrySays",
    actions: poolActions,
    resources: [pool.arn],
  });
  switch (name) {
    // Both tell the pool, and any replica of either finishes what another left (the outbox).
    case "clients":
    case "resource-servers":
      return [...readAll, writeAll, keepThePool];
    case "audit":
    case "introspection":
      return readAll;
    case "tokens":
      return [...readAll, only(writeAll, ofTheTokenService)];
    case "gateway":
      return [describe, only(readTable, ofTheGateway.reads), only(writeAll, ofTheGateway.writes)];
  }
}

/** The same, within these partitions of the table. `ForAllValues` holds of no values too, so there must be some. */
function only(statement: iam.PolicyStatement, keys: readonly string[]): iam.PolicyStatement {
  return statement.copy({
    conditions: {
      "ForAllValues:StringLike": { "dynamodb:LeadingKeys": keys },
      Null: { "dynamodb:LeadingKeys": "false" },
    },
  });
}
