/** What every role may do, read from the synthesized policies. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { poolActions } from "../lib/access.js";
import { root } from "../lib/root.js";
import { serviceNames, type ServiceName } from "../lib/services.js";
import { example, ofType, synthesize } from "./synthesized.js";

interface Statement {
  readonly effect: string;
  readonly action: string;
  readonly resource: string;
  readonly condition: string;
}

const templates = synthesize();
const roles = new Map<string, Statement[]>();
for (const stack of Object.values(templates)) {
  for (const [id, { Properties }] of ofType(stack, "AWS::IAM::Role")) {
    assert.deepEqual(Properties["ManagedPolicyArns"] ?? [], [], `${id} has policies of somebody else's`);
    const inline = (Properties["Policies"] ?? []).map((policy: any) => policy.PolicyDocument);
    roles.set(id, inline.flatMap(statements));
  }
  for (const [, { Properties }] of ofType(stack, "AWS::IAM::Policy")) {
    for (const role of Properties["Roles"]) {
      roles.get(role)!.push(...statements(Properties["PolicyDocument"]));
    }
  }
}

function statements(document: any): Statement[] {
  const list = (value: any): string[] => [value].flat();
  return document.Statement.flatMap((statement: any) => {
    assert.ok(!("NotAction" in statement || "NotResource" in statement), "it says what it allows");
    return list(statement.Action).flatMap((action) =>
      list(statement.Resource).map((resource) => ({
        effect: statement.Effect,
        action,
        resource,
        condition: statement.Condition ? JSON.stringify(statement.Condition) : "",
      })),
    );
  });
}

/** The role that a process has, by its task definition. */
function roleOf(name: ServiceName, kind: "TaskRoleArn" | "ExecutionRoleArn"): string {
  const tasks = ofType(templates.services, "AWS::ECS::TaskDefinition");
  const task = tasks.find(([, { Properties }]) => Properties["Family"] === `turnpike-${name}`);
  return task![1].Properties[kind].replace(/\.Arn$/, "");
}

const ofTask = (name: ServiceName) => roles.get(roleOf(name, "TaskRoleArn"))!;

function allowed(name: ServiceName, pattern: RegExp): Statement[] {
  return ofTask(name).filter(({ action }) => pattern.test(action));
}

const tableWrites = /^dynamodb:(?!GetItem$|Query$|DescribeTable$)/;
const [tableId] = ofType(templates.data, "AWS::DynamoDB::Table")[0]!;
const [poolId] = ofType(templates.data, "AWS::Cognito::UserPool")[0]!;
const table = `${tableId}.Arn`;
const pool = `arn:aws:cognito-idp:eu-west-1:123456789012:userpool/${poolId}`;

test("what every role may do is written down", () => {
  const lines = [...roles].flatMap(([role, list]) => [
    role,
    ...list.map(({ effect, action, resource, condition }) =>
      `  ${effect} ${action} on ${resource}${condition && ` if ${condition}`}`,
    ),
    "",
  ]);
  const path = join(root, "test", "output", "access.txt");
  const found = lines.join("\n");
  if (process.env["UPDATE"] === "1") writeFileSync(path, found);
  assert.equal(found, existsSync(path) ? readFileSync(path, "utf8") : "", "UPDATE=1 npm test writes it anew");
});

test("each process has roles of its own", () => {
  const all = serviceNames.flatMap((name) => [roleOf(name, "TaskRoleArn"), roleOf(name, "ExecutionRoleArn")]);
  assert.equal(new Set(all).size, all.length);
});

test("only clients and resource-servers may touch the pool, and only with what keeps it", () => {
  for (const name of serviceNames) {
    const found = allowed(name, /^cognito/);
    if (name !== "clients" && name !== "resource-servers") {
      assert.deepEqual(found, [], name);
      continue;
    }
    assert.deepEqual(found.map(({ action }) => action).sort(), [...poolActions].sort());
    assert.ok(found.every(({ resource }) => resource === pool), "on this pool");
  }
  const others = [...roles].filter(([role]) => !serviceNames.some((name) => roleOf(name, "TaskRoleArn") === role));
  for (const [role, list] of others) {
    assert.ok(!list.some(({ action }) => /^(cognito|dynamodb)|^\*$/.test(action)), role);
  }
});

test("audit may only read the table", () => {
  assert.deepEqual(allowed("audit", tableWrites), []);
  assert.ok(allowed("audit", /^dynamodb:GetItem$/).length === 1);
});

test("introspection, tokens, teams and gateway write within their partitions", () => {
  const keys = ({ condition }: Statement) => {
    const parsed = JSON.parse(condition);
    assert.equal(parsed.Null["dynamodb:LeadingKeys"], "false");
    return parsed["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] as string[];
  };
  const records = ["CLIENT#*", "CLIENTS", "RS#*", "GRANT#*", "GRANTS", "TIMER", "LOG#*"];
  for (const statement of allowed("gateway", /^dynamodb:(?!DescribeTable$)/)) {
    assert.ok(keys(statement).every((key) => !records.includes(key)), "no client, resource server or grant");
    if (statement.resource !== table) assert.deepEqual(keys(statement), ["TEAMS"]);
  }
  const mayNot = {
    introspection: /^(CLIENT#|GRANT|RS#|SESSION|SYSTEM|ASSERTION|OUTBOX|TEAM)/,
    teams: /^(CLIENT|GRANT|RS|SYSTEM|ASSERTION|OUTBOX)/,
    tokens: /^(SYSTEM|ASSERTION|RS#|GRANT|SESSION|TEAM)/,
  };
  for (const [name, refused] of Object.entries(mayNot)) {
    const changes = allowed(name as keyof typeof mayNot, /^dynamodb:(PutItem|DeleteItem|UpdateItem|BatchWriteItem)$/);
    assert.ok(changes.length > 0, name);
    for (const statement of changes) assert.deepEqual(keys(statement).filter((key) => refused.test(key)), [], name);
  }
});

test("partitions in policies are those of the registry", () => {
  const source = readFileSync(join(root, "..", "..", "crates", "registry", "src", "keys.rs"), "utf8");
  const patterns = [...roles.values()].flat().flatMap(({ condition }) => {
    if (!condition.includes("LeadingKeys")) return [];
    return JSON.parse(condition)["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] as string[];
  });
  for (const pattern of new Set(patterns)) {
    if (pattern === "?turnpike") continue;
    assert.ok(source.includes(`"${pattern.replace(/\*$/, "")}`), `${pattern} is no partition`);
  }
});

test("nobody has more than is listed, and every wildcard has its reason", () => {
  const reasons: Record<string, string> = {
    "ecr:GetAuthorizationToken on *": "knows no resources",
    "xray:PutTelemetryRecords on *": "knows no resources",
    "xray:PutTraceSegments on *": "knows no resources",
    "logs:PutLogEvents on arn:aws:logs:eu-west-1:123456789012:log-group:/turnpike/metrics:log-stream:*":
      "each task names a stream of this group",
    "logs:CreateLogStream on arn:aws:logs:eu-west-1:123456789012:log-group:/turnpike/metrics:log-stream:*": "same",
    "logs:DescribeLogStreams on arn:aws:logs:eu-west-1:123456789012:log-group:/turnpike/metrics:log-stream:*": "same",
  };
  const wildcards = new Set<string>();
  for (const list of roles.values()) {
    for (const { effect, action, resource } of list) {
      assert.equal(effect, "Allow");
      assert.ok(!action.includes("*"), action);
      if (resource.includes("*")) wildcards.add(`${action} on ${resource}`);
    }
  }
  assert.deepEqual([...wildcards].sort(), Object.keys(reasons).sort());
});

test("only the gateway's execution role reads the secret of the staff login", () => {
  const readers = [...roles].filter(([, list]) => list.some(({ action }) => action.startsWith("secretsmanager:")));
  assert.deepEqual(readers.map(([role]) => role), [roleOf("gateway", "ExecutionRoleArn")]);
});

test("on Kubernetes the roles are the same, but for the collector and whom they trust", () => {
  const { access, ...others } = synthesize({ ...example, runsOn: "eks" });
  assert.deepEqual(Object.keys(others), ["data"]);
  for (const name of serviceNames) {
    const role = ofType(access, "AWS::IAM::Role").find(([, { Properties }]) => Properties["RoleName"] === `turnpike-${name}`);
    const policy = ofType(access, "AWS::IAM::Policy").find(([, { Properties }]) => Properties["Roles"].includes(role![0]));
    const rights = (list: Statement[]) => list.map(({ action, resource }) => `${action} on ${resource}`);
    const own = ofTask(name).filter(({ action }) => /^(cognito-idp|dynamodb):/.test(action));
    assert.deepEqual(rights(statements(policy![1].Properties["PolicyDocument"])), rights(own), name);
    const trusts = role![1].Properties["AssumeRolePolicyDocument"].Statement;
    assert.deepEqual(trusts.map((trust: any) => trust.Principal.Service), Array(trusts.length).fill("pods.eks.amazonaws.com"));
  }
});

test("roles trust tasks of this account only", () => {
  for (const name of serviceNames) {
    const { AssumeRolePolicyDocument } = templates.access.Resources[roleOf(name, "TaskRoleArn")]!.Properties;
    assert.deepEqual(AssumeRolePolicyDocument.Statement, [
      {
        Action: "sts:AssumeRole",
        Condition: { StringEquals: { "aws:SourceAccount": "123456789012" } },
        Effect: "Allow",
        Principal: { Service: "ecs-tasks.amazonaws.com" },
      },
    ]);
  }
});
