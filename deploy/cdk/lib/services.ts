/** The processes there are, how many of each, and how large. One program of the image each. */

export const serviceNames = [
  "clients",
  "resource-servers",
  "audit",
  "tokens",
  "introspection",
  "teams",
  "gateway",
] as const;

export type ServiceName = (typeof serviceNames)[number];

export interface Service {
  /** The program in the image. */
  readonly program: string;
  /** In units of Fargate: 1024 is one virtual CPU. */
  readonly cpu: number;
  readonly memoryMib: number;
  /** Two, so that one may fail or be replaced; more when they are busy. */
  readonly replicas: { readonly least: number; readonly most: number };
  /** Processes that must be there before it starts: they make what it only reads. */
  readonly after: readonly ServiceName[];
}

const service = (name: ServiceName, most: number, more: Partial<Service> = {}): Service => ({
  program: `turnpike-${name}`,
  cpu: 512,
  memoryMib: 1024,
  replicas: { least: 2, most },
  // Whoever only reads the table finds the installation's keys there, and does not make them.
  after: ["clients"],
  ...more,
});

export const services: Record<ServiceName, Service> = {
  clients: service("clients", 2, { after: [] }),
  "resource-servers": service("resource-servers", 2),
  audit: service("audit", 2),
  // More would not get more tokens: Cognito's rate is for the account (see `cognito-budgets.ts`).
  tokens: service("tokens", 4),
  introspection: service("introspection", 10),
  teams: service("teams", 2),
  gateway: service("gateway", 6, {
    after: ["clients", "resource-servers", "audit", "tokens", "introspection", "teams"],
  }),
};
