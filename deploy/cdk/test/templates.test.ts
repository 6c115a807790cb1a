/** What must hold of the templates, whatever else changes. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { unacknowledged } from "../lib/acknowledge.js";
import { build } from "../lib/app.js";
import { budget, operationBudget, operationQuota, quotas, users, type Category } from "../lib/cognito-budgets.js";
import { port } from "../lib/environment.js";
import { metric, metrics } from "../lib/metrics.js";
import { root } from "../lib/root.js";
import { serviceNames, services } from "../lib/services.js";
import { parseSettings } from "../lib/settings.js";
import { tableLayout } from "../lib/table-layout.js";
import { example, ofType, synthesize } from "./synthesized.js";

const templates = synthesize();
const one = (stack: keyof typeof templates, type: string) => {
  const found = ofType(templates[stack], type);
  assert.equal(found.length, 1, type);
  return found[0]![1];
};

test("pool and table outlive their stack", () => {
  for (const type of ["AWS::Cognito::UserPool", "AWS::DynamoDB::Table"]) {
    const { DeletionPolicy, UpdateReplacePolicy } = one("data", type);
    assert.deepEqual([DeletionPolicy, UpdateReplacePolicy], ["Retain", "Retain"], type);
  }
  const pool = one("data", "AWS::Cognito::UserPool").Properties;
  assert.equal(pool["DeletionProtection"], "ACTIVE");
  assert.equal(pool["UserPoolTier"], "ESSENTIALS");
  assert.equal(pool["AdminCreateUserConfig"].AllowAdminCreateUserOnly, true);
  const table = one("data", "AWS::DynamoDB::Table").Properties;
  assert.equal(table["DeletionProtectionEnabled"], true);
  assert.equal(table["BillingMode"], "PAY_PER_REQUEST");
  assert.deepEqual(table["PointInTimeRecoverySpecification"], {
    PointInTimeRecoveryEnabled: true,
    RecoveryPeriodInDays: 35,
  });
});

test("the table has the keys of its layout", () => {
  const { Properties } = one("data", "AWS::DynamoDB::Table");
  const keys = (partition: string, sort: string) => [
    { AttributeName: partition, KeyType: "HASH" },
    { AttributeName: sort, KeyType: "RANGE" },
  ];
  const { key, indexes } = tableLayout;
  assert.deepEqual(Properties["KeySchema"], keys(key.partition, key.sort));
  assert.deepEqual(
    Properties["GlobalSecondaryIndexes"],
    indexes.map(({ name, partition, sort }) => ({
      IndexName: name,
      KeySchema: keys(partition, sort),
      Projection: { ProjectionType: "ALL" },
    })),
  );
});

test("a pool that is there is left as it is", () => {
  const userPool = { existingUserPoolId: "eu-west-1_AbCdEfGhI", tokenEndpoint: "https://login.example.com/oauth2/token" };
  const { data, services: stack } = synthesize({ ...example, userPool });
  assert.deepEqual(ofType(data, "AWS::Cognito::UserPool"), []);
  assert.deepEqual(ofType(data, "AWS::Cognito::UserPoolDomain"), []);
  const [, task] = ofType(stack, "AWS::ECS::TaskDefinition")[0]!;
  const environment = task.Properties["ContainerDefinitions"][0].Environment;
  const value = (name: string) => environment.find((entry: any) => entry.Name === name)?.Value;
  assert.equal(value("TURNPIKE_AUTHORIZATION_SERVER__USER_POOL_ID"), userPool.existingUserPoolId);
  assert.equal(value("TURNPIKE_AUTHORIZATION_SERVER__TOKEN_ENDPOINT"), userPool.tokenEndpoint);
});

test("a table that is there is left as it is", () => {
  const { access, data } = synthesize({ ...example, existingTable: "turnpike-restored" });
  assert.deepEqual(ofType(data, "AWS::DynamoDB::Table"), []);
  const [, policy] = ofType(access, "AWS::IAM::Policy")[0]!;
  const table = "arn:aws:dynamodb:eu-west-1:123456789012:table/turnpike-restored";
  const { Resource } = policy.Properties["PolicyDocument"].Statement[0];
  assert.equal(Resource, table);
});

test("containers may do little", () => {
  for (const [id, { Properties }] of ofType(templates.services, "AWS::ECS::TaskDefinition")) {
    assert.equal(Properties["NetworkMode"], "awsvpc");
    for (const container of Properties["ContainerDefinitions"]) {
      const what = `${id} ${container.Name}`;
      assert.equal(container.ReadonlyRootFilesystem, true, what);
      assert.match(container.User, /^[1-9]\d*:[1-9]\d*$/, what);
      assert.deepEqual(container.LinuxParameters.Capabilities.Drop, ["ALL"], what);
      assert.ok(!container.Privileged, what);
    }
    const [turnpike] = Properties["ContainerDefinitions"];
    assert.ok(turnpike.HealthCheck.Command.includes("turnpike"), id);
    assert.ok(turnpike.StopTimeout <= 120, "what Fargate allows");
  }
});

test("no secret is in an environment", () => {
  for (const [, { Properties }] of ofType(templates.services, "AWS::ECS::TaskDefinition")) {
    for (const container of Properties["ContainerDefinitions"]) {
      const names = (container.Environment ?? []).map((entry: any) => entry.Name);
      assert.deepEqual(names.filter((name: string) => /SECRET$|PASSWORD|_KEY$/.test(name)), []);
    }
  }
});

test("each process is told only what is in its sample, which names every key it has", () => {
  for (const name of serviceNames) {
    const sample = readFileSync(join(root, "..", "config", `${name}.toml`), "utf8");
    const keys = new Map<string, boolean>();
    let section = "";
    for (const line of sample.split("\n")) {
      section = /^\[([a-z_.]+)\]$/.exec(line)?.[1] ?? section;
      const [, key, list] = /^([a-z_]+) = (\[?)/.exec(line) ?? [];
      if (key) keys.set([...section.split(".").filter(Boolean), key].join("__").toUpperCase(), list === "[");
    }
    const tasks = ofType(templates.services, "AWS::ECS::TaskDefinition");
    const [, task] = tasks.find(([, { Properties }]) => Properties["Family"] === `turnpike-${name}`)!;
    const [{ Environment, Secrets = [] }] = task.Properties["ContainerDefinitions"];
    for (const { Name, Value } of [...Environment, ...Secrets]) {
      const isList = keys.get(Name.replace(/^TURNPIKE_/, ""));
      assert.notEqual(isList, undefined, `${name}: ${Name} is no setting of it`);
      if (isList) assert.match(Value, /^\[.*\]$/, `${name}: ${Name} is a list`);
    }
  }
});

test("two of each run, and one at a time is replaced", () => {
  const found = ofType(templates.services, "AWS::ECS::Service");
  assert.deepEqual(found.map(([, { Properties }]) => Properties["ServiceName"]).sort(), [...serviceNames].sort());
  for (const [id, { Properties }] of found) {
    assert.equal(Properties["DesiredCount"], 2, id);
    assert.equal(Properties["DeploymentConfiguration"].MinimumHealthyPercent, 100, id);
    assert.equal(Properties["NetworkConfiguration"].AwsvpcConfiguration.AssignPublicIp, "DISABLED", id);
    assert.equal(Properties["EnableExecuteCommand"], false, id);
  }
});

test("only HTTPS is open, and only the gateway calls services", () => {
  const groups = ofType(templates.services, "AWS::EC2::SecurityGroup");
  const open = groups.flatMap(([, { Properties }]) =>
    (Properties["SecurityGroupIngress"] ?? []).map((rule: any) => `${rule.CidrIp} ${rule.FromPort}-${rule.ToPort}`),
  );
  assert.deepEqual(open, ["0.0.0.0/0 443-443"]);
  const name = (reference: string) => reference.replace(/\.GroupId$/, "").replace(/SecurityGroup[0-9A-F]{8}$/, "");
  const rules = ofType(templates.services, "AWS::EC2::SecurityGroupIngress").map(
    ([, { Properties: rule }]) => `${name(rule["SourceSecurityGroupId"])} -> ${name(rule["GroupId"])} ${rule["FromPort"]}`,
  );
  assert.deepEqual(rules.sort(), [
    `Balancer -> gateway ${port}`,
    "Balancer -> gateway 9090",
    ...["audit", "clients", "introspection", "resourceservers", "teams", "tokens"].map((to) => `gateway -> ${to} ${port}`),
  ]);
});

test("gRPC and everything else reach the same port of the gateway", () => {
  const targets = ofType(templates.services, "AWS::ElasticLoadBalancingV2::TargetGroup");
  assert.deepEqual(
    targets.map(([, { Properties }]) => [Properties["ProtocolVersion"], Properties["Port"]]).sort(),
    [["GRPC", port], ["HTTP1", port]],
  );
  const rule = one("services", "AWS::ElasticLoadBalancingV2::ListenerRule").Properties;
  assert.deepEqual(rule["Conditions"][0].HttpHeaderConfig.Values, ["application/grpc", "application/grpc+*"]);
  const listener = one("services", "AWS::ElasticLoadBalancingV2::Listener").Properties;
  assert.equal(listener["Protocol"], "HTTPS");
});

test("all processes together stay below Cognito's rates", () => {
  for (const [category, names] of Object.entries(users) as [Category, (keyof typeof services)[]][]) {
    const together = names.reduce((sum, name) => sum + budget(category) * services[name].replicas.most, 0);
    assert.ok(together <= quotas[category], `${category}: ${together}`);
    assert.ok(budget(category) >= 1, category);
  }
  for (const name of users.client_update) assert.ok(operationBudget * services[name].replicas.most <= operationQuota, name);
});

test("every alarm has a heading in the runbook, and every heading an alarm", () => {
  const runbook = readFileSync(join(root, "..", "..", "docs", "runbook.md"), "utf8");
  const headings = [...runbook.matchAll(/^### `([a-z0-9-]+)`$/gm)].map(([, name]) => name!);
  const alarms = ofType(templates.operations, "AWS::CloudWatch::Alarm").map(([, { Properties }]) => {
    assert.ok(Properties["AlarmActions"].length === 1 && Properties["AlarmDescription"].length > 20);
    // Of the alarms of each process, the runbook has one heading.
    const name = Properties["AlarmName"].replace(/^turnpike-/, "");
    const kind = serviceNames.find((service) => name.endsWith(`-${service}`));
    return kind ? name.slice(0, -kind.length - 1) : name;
  });
  assert.deepEqual([...new Set(alarms)].sort(), [...new Set(headings)].sort());
});

test("the pool's alarms ring when it is later than its pace makes it, and the runbook says when", () => {
  const runbook = readFileSync(join(root, "..", "..", "docs", "runbook.md"), "utf8");
  const section = (name: string) => runbook.split(/^### /m).find((text) => text.startsWith(`\`${name}\``))!;
  const threshold = (name: string): number =>
    ofType(templates.operations, "AWS::CloudWatch::Alarm").find(
      ([, { Properties }]) => Properties["AlarmName"] === `turnpike-${name}`,
    )![1].Properties["Threshold"];
  assert.match(section("outbox-stuck"), new RegExp(`: ${Math.floor(threshold("outbox-stuck") / 60)} minutes\\.`));
  assert.match(section("walk-overdue"), new RegExp(`: ${(threshold("walk-overdue") / 3600).toFixed(1)} hours\\.`));
});

test("only what a process exports can be watched", () => {
  assert.throws(() => metric("turnpike_nothing", { service: "tokens" }, "Sum"), /not in metrics.json/);
  assert.throws(() => metric("turnpike_outbox_depth", { service: "clients", kind: "x" }, "Sum"), /by kind,service is not/);
  assert.throws(() => metric("turnpike_outbox_depth", { service: "audit" }, "Sum"), /not of audit/);
  // Those that tell Cognito of changes are those that measure it.
  for (const [name, { of }] of Object.entries(metrics)) {
    if (/^turnpike_(outbox|drift)/.test(name)) assert.deepEqual([...of].sort(), [...users.client_update].sort(), name);
  }
});

test("every metric that goes to CloudWatch is on the page or in an alarm", () => {
  const texts = ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"].map((type) =>
    JSON.stringify(ofType(templates.operations, type)),
  );
  for (const name of Object.keys(metrics)) assert.ok(texts.some((text) => text.includes(name)), name);
});

test("settings are held", () => {
  for (const [change, problem] of [
    [{ region: "west" }, /^region: must be a region/],
    [{ regoin: "eu-west-1" }, /^regoin: is no setting/],
    [{ availabilityZones: ["eu-west-1a"] }, /^availabilityZones: must be two or three/],
    [{ publicUrl: "http://turnpike.example.com" }, /^publicUrl: must be https/],
    [{ userPool: { domainPrefix: "my-cognito" } }, /^userPool\.domainPrefix: must be/],
    [{ userPool: { existingUserPoolId: "eu-west-1_a" } }, /^userPool\.tokenEndpoint: must be set/],
    [{ staffLogin: {} }, /^staffLogin\.issuer: must be set/],
    [{ existingTable: "a b" }, /^existingTable: must be/],
    [{ alarmEmail: undefined }, /^alarmEmail: must be set/],
  ] as const) {
    assert.throws(() => parseSettings({ ...example, ...change }), { message: problem });
  }
});

test("every acknowledgement is needed", () => {
  const outdir = mkdtempSync(join(tmpdir(), "turnpike-cdk-"));
  try {
    const { app } = build(example, outdir, { [unacknowledged]: true });
    assert.throws(() => app.synth(), /Validation failed/);
    const { pluginReports } = JSON.parse(readFileSync(join(outdir, "validation-report.json"), "utf8"));
    const found = pluginReports.flatMap((report: any) => report.violations.map((one: any) => one.ruleName));
    assert.deepEqual([...new Set<string>(found)].sort(), acknowledgedRules);
  } finally {
    rmSync(outdir, { recursive: true });
  }
});

/** Rules of cdk-nag and CloudFormation that are acknowledged somewhere, each there with its reason. */
const acknowledgedRules = [
  "AwsSolutions-COG8",
  "AwsSolutions-EC23",
  "AwsSolutions-ECS2",
  "AwsSolutions-IAM5[Resource::*]",
  "AwsSolutions-IAM5[Resource::arn:aws:logs:eu-west-1:123456789012:log-group:/turnpike/metrics:log-stream:*]",
  "AwsSolutions-S1",
  "W3010",
];
