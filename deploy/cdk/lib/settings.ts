/**
 * What one installation is told: a file of JSON beside this app. Unknown keys are refused, and so is what cannot work.
 */
import { readFileSync } from "node:fs";

/** A pool that this app makes, or one that is there and stays as it is. */
export type UserPoolSettings =
  | { readonly domainPrefix: string }
  | { readonly existingUserPoolId: string; readonly tokenEndpoint: string };

export interface StaffLogin {
  /** `iss` of the provider's tokens, character for character. */
  readonly issuer: string;
  readonly clientId: string;
  /** The name of a secret in Secrets Manager whose value is the client secret, and nothing else. */
  readonly clientSecretName: string;
}

export interface Settings {
  /** Names stacks, table, cluster and log groups: several installations may share an account. */
  readonly installation: string;
  readonly account: string;
  readonly region: string;
  /**
   * `fargate`: this app also makes network, load balancer, services and alarms. `eks`: pool, table and roles only, for the
   * manifests of deploy/kubernetes.
   */
  readonly runsOn: "fargate" | "eks";
  /** Two or three of the region's, said here so that nothing is looked up. */
  readonly availabilityZones: readonly string[];
  /** Where people and programs find it; its host is the certificate's. */
  readonly publicUrl: string;
  readonly certificateArn: string;
  /** The image with all programs, in a repository of ECR, with a tag or digest. */
  readonly image: string;
  readonly userPool: UserPoolSettings;
  /** A table that is there, such as one that was restored; without it, one is made. */
  readonly existingTable?: string;
  readonly staffLogin: StaffLogin;
  /** Who hears of alarms. */
  readonly alarmEmail: string;
}

type Rule = { readonly pattern: RegExp; readonly words: string };

const rules: Record<string, Rule> = {
  installation: { pattern: /^[a-z][a-z0-9-]{0,30}[a-z0-9]$/, words: "2 to 32 of a-z, 0-9 and -" },
  account: { pattern: /^\d{12}$/, words: "12 digits" },
  region: { pattern: /^[a-z]{2}(-[a-z]+)+-\d$/, words: "a region such as eu-west-1" },
  runsOn: { pattern: /^(fargate|eks)$/, words: "fargate or eks" },
  publicUrl: {
    pattern: /^https:\/\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/,
    words: "https, a host, no path",
  },
  certificateArn: { pattern: /^arn:[a-z-]+:acm:/, words: "the ARN of a certificate of ACM" },
  image: {
    pattern: /^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com\/[a-z0-9._/-]+(:[\w.-]+|@sha256:[0-9a-f]{64})$/,
    words: "an image of ECR with a tag or digest",
  },
  existingTable: { pattern: /^[\w.-]{3,255}$/, words: "the name of a table" },
  alarmEmail: { pattern: /^[^@\s]+@[^@\s]+$/, words: "an address" },
  "userPool.domainPrefix": {
    // Amazon Cognito API, CreateUserPoolDomain; the words aws, amazon and cognito are reserved.
    pattern: /^(?!.*(aws|amazon|cognito))[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    words: "1 to 63 of a-z, 0-9 and -, without aws, amazon or cognito",
  },
  "userPool.existingUserPoolId": {
    pattern: /^[\w-]+_[0-9a-zA-Z]+$/,
    words: "the id of a user pool",
  },
  "userPool.tokenEndpoint": { pattern: /^https:\/\/\S+$/, words: "a URL with https" },
  "staffLogin.issuer": { pattern: /^https:\/\/\S+$/, words: "a URL with https" },
  "staffLogin.clientId": { pattern: /^\S+$/, words: "a text without spaces" },
  "staffLogin.clientSecretName": { pattern: /^[\w/+=.@-]+$/, words: "the name of a secret" },
};

/** Reads and holds the settings of a file. */
export function readSettings(path: string): Settings {
  return parseSettings(JSON.parse(readFileSync(path, "utf8")));
}

/** Holds settings; the error names the key and the rule. */
export function parseSettings(value: unknown): Settings {
  const settings = record("settings", value);
  const { userPool, staffLogin, availabilityZones, existingTable, ...texts } = settings;
  const names = [
    "installation",
    "account",
    "region",
    "runsOn",
    "publicUrl",
    "certificateArn",
    "image",
    "alarmEmail",
  ];
  checkTexts("", texts, names);
  if (existingTable !== undefined) checkTexts("", { existingTable }, ["existingTable"]);
  const pool = record("userPool", userPool);
  const existing = "existingUserPoolId" in pool;
  checkTexts("userPool.", pool, existing ? ["existingUserPoolId", "tokenEndpoint"] : ["domainPrefix"]);
  checkTexts("staffLogin.", record("staffLogin", staffLogin), ["issuer", "clientId", "clientSecretName"]);
  const zones = Array.isArray(availabilityZones) ? availabilityZones : [];
  const region = String(settings["region"]);
  if (zones.length < 2 || zones.length > 3 || !zones.every((zone) => String(zone).startsWith(region))) {
    throw new Error("availabilityZones: must be two or three of the region's");
  }
  return settings as unknown as Settings;
}

function record(key: string, value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${key}: must be an object`);
  }
  return value as Record<string, unknown>;
}

function checkTexts(prefix: string, found: Record<string, unknown>, names: readonly string[]) {
  for (const key of Object.keys(found)) {
    if (!names.includes(key)) throw new Error(`${prefix}${key}: is no setting`);
  }
  for (const name of names) {
    const key = `${prefix}${name}`;
    const value = found[name];
    if (value === undefined) throw new Error(`${key}: must be set`);
    const rule = rules[key];
    if (typeof value !== "string" || !rule?.pattern.test(value)) {
      throw new Error(`${key}: must be ${rule?.words}`);
    }
  }
}
