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
  reads: ["?turnpike", "ASSERTION-KEYS", "HEAD", "LOGIN#*", "SESSION#*", "SYSTEM", "TEAMS-SEEN", "USED#*"],
  // By name: who is a member of what.
  finds: ["TEAMS"],
  writes: ["ASSERTION-KEYS", "LOGIN#*", "SESSION#*", "SYSTEM", "TEAMS-SEEN", "USED#*"],
};

/** Tokens that are revoked, and the events that say so; when secrets were last used. */
const revocations = ["CLIENT-USES#*", "HEAD", "LOG#*", "REVOKED#*", "RS-USES#*"];
/** The same, and secrets that were learned from a pool. */
const ofTheTokenService = [...revocations, "CLIENT#*", "OUTBOX"];
/** Teams, sessions, and what is told of changes to them. A team is deleted when it owns nothing. */
const ofTheTeams = ["HEAD", "LOG#*", "LOGIN#*", "OWNED#*", "REQUEST#*", "SESSION#*", "TEAM#*", "TEAMS-SEEN"];

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
  // A note must not outlive what it is about. This right alone changes nothing.
  const still = new iam.PolicyStatement({
    sid: "HoldThatItIsStillThere",
    actions: ["dynamodb:ConditionCheckItem"],
    resources: [tableArn],
  });
  switch (name) {
    // Both tell the pool, and any replica of either finishes what another left (the outbox).
    case "clients":
    case "resource-servers":
      return [...readAll, writeAll, keepThePool];
    case "audit":
      return readAll;
    case "introspection":
      return [...readAll, only(writeAll, revocations), still];
    case "teams":
      return [...readAll, only(writeAll, ofTheTeams)];
    case "tokens":
      return [...readAll, only(writeAll, ofTheTokenService), still];
    case "gateway":
      return [
        describe,
        only(readTable, ofTheGateway.reads),
        only(readIndexes, ofTheGateway.finds),
        only(writeAll, ofTheGateway.writes),
      ];
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
