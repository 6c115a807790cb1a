/**
 * How much of Cognito's rates each process may use, so that all of them together, at their most replicas, stay below.
 * Rates are for the account and region, and none can be raised (Amazon Cognito Developer Guide, "Quotas"). A tenth is left
 * for people and other programs.
 */
import { services, type ServiceName } from "./services.js";

/** Requests a second in the account and region. */
export const quotas = {
  client_read: 15,
  client_update: 15,
  resource_read: 20,
  resource_update: 15,
  tokens: 150,
} as const;

export type Category = keyof typeof quotas;

/** Who asks Cognito for what. */
export const users: Record<Category, readonly ServiceName[]> = {
  client_read: ["clients", "resource-servers"],
  client_update: ["clients", "resource-servers"],
  resource_read: ["clients", "resource-servers"],
  resource_update: ["clients", "resource-servers"],
  tokens: ["tokens"],
};

/** Requests a second for one process. */
export function budget(category: Category): number {
  const replicas = users[category].reduce((sum, name) => sum + services[name].replicas.most, 0);
  return Math.max(1, Math.floor((quotas[category] * 0.9) / replicas));
}

/** Requests a second of each single operation in one pool, below those of its category (same page). */
export const operationQuota = 5;

const keepers = Math.max(...users.client_update.map((name) => services[name].replicas.most));

/**
 * The part of one process. What callers wait for comes from one of the two programs, clients or resource servers, so the
 * replicas of one share it. Both work off what was left in the outbox; what Cognito throttles then is asked again.
 */
export const operationBudget = Math.max(1, Math.floor((operationQuota * 0.9) / keepers));

/** What a pool takes at most, once AWS was asked to raise its quotas. */
const clients = 10_000;

/** How long after a walk the next one begins. */
export const walkPauseMinutes = 10;

/**
 * How long one walk through a full pool takes that looks for drift: it reads every client (`DescribeUserPoolClient`), in
 * one process at a time, with the third of the process's budget that work in the background has
 * (`background_share` of crates/issuer-cognito).
 */
export const walkSeconds = clients / (Math.min(budget("client_read"), operationBudget) / 3);

/**
 * How long it takes to tell a full pool of a change of every client, such as of a scope that all of them had
 * (`UpdateUserPoolClient`), if the replicas of one of the two programs are at it.
 */
export const tellingSeconds = clients / (operationBudget * keepers);
