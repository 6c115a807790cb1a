import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  ClientSchema,
  ClientState,
  GrantState,
  ResourceServerSchema,
} from "~/api/gen/turnpike/v1/resources_pb";
import { TeamState } from "~/api/gen/turnpike/v1/teams_pb";
import { draftGrant, keepGrant, refreshScopes } from "./grants";
import { seedPool } from "./pool-seed";
import { seedSessions } from "./sessions";
import { Caller, personas, World } from "./world";

const minute = 60_000;
const day = 86_400_000;

/** A small company in the middle of its day. */
export function seededWorld(): World {
  const world = new World();
  const ago = (milliseconds: number) =>
    timestampFromDate(new Date(world.now().getTime() - milliseconds));
  const [olga, pavel, ada] = [personas.olga, personas.pavel, personas.ada].map(
    (p) => new Caller(p),
  );
  if (olga === undefined || pavel === undefined || ada === undefined) return world;

  const addTeam = (key: string, displayName: string, more: Parameters<World["addTeam"]>[0]) =>
    world.addTeam({
      displayName,
      contact: `#team-${key}`,
      appRoles: [`Team.${displayName}`],
      createTime: ago(400 * day),
      updateTime: ago(200 * day),
      lastMemberTime: ago(day / 2),
      ...more,
    });
  addTeam("billing", "Billing", {
    team: "billing",
    lastMemberTime: ago(120 * day),
    state: TeamState.ORPHAN,
    directoryGroups: ["6a0c4f9e-3c1d-4f57-9d0a-2b7b1c9e8f10"],
  });
  addTeam("newcomers", "Newcomers", { team: "newcomers", createTime: ago(3 * day) });
  addTeam("orders", "Orders", {
    team: "orders",
    directoryGroups: ["0f3e5a0c-1b2d-4c6f-8a9b-c0ffee00beef"],
  });
  addTeam("partners", "Partners", { team: "partners" });
  addTeam("platform", "Platform", { team: "platform" });
  addTeam("security", "Security", { team: "security" });

  const server = (
    caller: Caller,
    identifier: string,
    displayName: string,
    team: string,
    description: string,
    scopes: Record<string, string>,
    age: number,
    options: { builtIn?: boolean; secret?: boolean } = {},
  ) => {
    world.resourceServers.set(
      identifier,
      create(ResourceServerSchema, {
        identifier,
        displayName,
        team,
        description,
        scopes: Object.entries(scopes).map(([name, text]) => ({ name, description: text })),
        secrets:
          options.secret === true
            ? [{ secretId: world.id("sec_"), createTime: ago(age), lastUseTime: ago(2 * minute) }]
            : [],
        createTime: ago(age),
        updateTime: ago(age / 2),
        etag: world.etag(),
        builtIn: options.builtIn === true,
      }),
    );
    if (options.builtIn === true) return;
    world.log(caller, {
      action: "resource_server.created",
      subject: `resource-servers/${identifier}`,
      team,
      resourceServer: identifier,
      time: new Date(world.now().getTime() - age),
      method: "turnpike.v1.ResourceServerService/CreateResourceServer",
      changes: [
        { field: "display_name", before: "", after: JSON.stringify(displayName) },
        { field: "scopes", before: "", after: JSON.stringify(Object.keys(scopes)) },
      ],
    });
  };

  server(
    ada,
    "turnpike",
    "Turnpike",
    "platform",
    "Turnpike's own API, for programs that manage access.",
    {
      "registry.read": "Read resource servers, clients and grants",
      "registry.write": "Change resource servers, clients and grants",
      "grants.decide": "Approve and deny grants",
      "audit.read": "Read the log",
    },
    400 * day,
    { builtIn: true },
  );
  server(
    olga,
    "lj-health-food",
    "LJ Health Food orders",
    "orders",
    "Takes orders for LJ Health Food and tells how far they are. Partners place orders here; stores list them.",
    {
      "place-order": "Place an order",
      "list-orders": "See the orders placed so far",
      "cancel-order": "Cancel an order that has not been packed",
    },
    210 * day,
    { secret: true },
  );
  server(
    olga,
    "https://stock.lj.example/v2",
    "Stock levels",
    "orders",
    "How much of each article lies in which warehouse.",
    {
      read: "See stock levels",
      reserve: "Reserve articles for an hour",
    },
    90 * day,
  );
  server(
    ada,
    "billing",
    "Billing",
    "billing",
    "Invoices and payments.",
    {
      "read-invoices": "See invoices",
      "create-invoice": "Write an invoice",
      refund: "Give money back",
    },
    300 * day,
    { secret: true },
  );
  server(
    pavel,
    "partner-directory",
    "Partner directory",
    "partners",
    "Who our partners are, and whom to call.",
    {
      read: "See partners and their contacts",
      write: "Change partners",
    },
    60 * day,
  );
  const more = [
    "catalogue",
    "customer-profile",
    "delivery-slots",
    "fleet-tracking",
    "gift-cards",
    "loyalty",
    "mail-sender",
    "menu-planner",
    "notifications",
    "nutrition-facts",
    "pick-lists",
    "price-engine",
    "promotions",
    "recipe-box",
    "returns",
    "reviews",
    "route-planner",
    "search-index",
    "shelf-labels",
    "store-locator",
    "supplier-portal",
    "tax-rates",
    "warehouse-robots",
    "weekly-box",
  ];
  for (const [index, name] of more.entries()) {
    const words = name.replaceAll("-", " ");
    server(
      ada,
      name,
      words.charAt(0).toUpperCase() + words.slice(1),
      index % 3 === 0 ? "platform" : "billing",
      `Everything about ${words}.`,
      {
        read: `Read ${words}`,
        write: `Change ${words}`,
      },
      (40 + index) * day,
    );
  }

  const client = (
    caller: Caller,
    displayName: string,
    team: string,
    description: string,
    age: number,
    options: {
      disabled?: boolean;
      secrets?: { age: number; lastUse?: number }[];
      lifetime?: bigint;
    } = {},
  ) => {
    const made = create(ClientSchema, {
      clientId: world.id(""),
      displayName,
      team,
      description,
      tokenLifetime: { seconds: options.lifetime ?? 3600n },
      state: options.disabled === true ? ClientState.DISABLED : ClientState.ENABLED,
      secrets: (options.secrets ?? [{ age, lastUse: 3 * minute }]).map((secret) => ({
        secretId: world.id("sec_"),
        createTime: ago(secret.age),
        ...(secret.lastUse === undefined ? {} : { lastUseTime: ago(secret.lastUse) }),
      })),
      createTime: ago(age),
      updateTime: ago(age / 3),
      etag: world.etag(),
    });
    world.clients.set(made.clientId, made);
    world.log(caller, {
      action: "client.created",
      subject: `clients/${made.clientId}`,
      team,
      clientId: made.clientId,
      time: new Date(world.now().getTime() - age),
      method: "turnpike.v1.ClientService/CreateClient",
      changes: [
        { field: "display_name", before: "", after: JSON.stringify(displayName) },
        { field: "token_lifetime_seconds", before: "", after: String(options.lifetime ?? 3600n) },
      ],
    });
    return made;
  };

  const nature = client(
    pavel,
    "Nature Basket",
    "partners",
    "The shop system of our partner Nature Basket. Places orders for its customers.",
    120 * day,
    {
      secrets: [
        { age: 120 * day, lastUse: 2 * day },
        { age: 3 * day, lastUse: 4 * minute },
      ],
    },
  );
  const green = client(
    pavel,
    "Green Corner kiosk",
    "partners",
    "Kiosks of Green Corner, forty stores.",
    45 * day,
  );
  client(
    pavel,
    "Old price feed",
    "partners",
    "Replaced by the price engine; kept until the end of the year.",
    380 * day,
    {
      disabled: true,
      secrets: [{ age: 380 * day }],
    },
  );
  const board = client(
    olga,
    "Orders dashboard",
    "orders",
    "The screen in the packing hall.",
    80 * day,
    { lifetime: 900n },
  );
  const sync = client(
    ada,
    "Deploy pipeline",
    "platform",
    "Registers clients from the repositories of the teams.",
    30 * day,
  );

  const grant = (
    caller: Caller,
    holder: typeof nature,
    resourceServer: string,
    names: string[],
    reason: string,
    age: number,
    to: GrantState,
    by?: Caller,
    note = "",
  ) => {
    const made = draftGrant(world, caller, {
      clientId: holder.clientId,
      clientDisplayName: holder.displayName,
      clientTeam: holder.team,
      resourceServer,
      scopes: names.map((name) => `${resourceServer}/${name}`),
      reason,
    });
    made.requestTime = ago(age);
    keepGrant(world, caller, made);
    const requested = world.events.at(-1);
    if (requested !== undefined) requested.time = ago(age);
    if (by === undefined) return;
    made.state = to;
    made.decider = by.principal;
    made.decideTime = ago(age - 40 * minute);
    made.decisionNote = note;
    if (to === GrantState.REVOKED) {
      made.endTime = ago(age / 4);
      made.endReason = "the pilot is over";
    }
    refreshScopes(world, holder.clientId);
    world.log(by, {
      action: to === GrantState.DENIED ? "grant.denied" : "grant.approved",
      subject: `grants/${made.grantId}`,
      team: made.resourceServerTeam,
      clientId: made.clientId,
      resourceServer,
      reason: note,
      time: new Date(world.now().getTime() - age + 40 * minute),
      method: "turnpike.v1.GrantService/ApproveGrant",
      changes: [
        {
          field: "state",
          before: '"pending"',
          after: to === GrantState.DENIED ? '"denied"' : '"active"',
        },
      ],
    });
  };

  grant(
    pavel,
    nature,
    "lj-health-food",
    ["place-order"],
    "Nature Basket sells our boxes in its shop and places the orders itself.",
    119 * day,
    GrantState.ACTIVE,
    olga,
    "as agreed in the contract",
  );
  grant(
    pavel,
    nature,
    "partner-directory",
    ["read"],
    "Reads its own entry.",
    50 * day,
    GrantState.ACTIVE,
    pavel,
  );
  grant(
    pavel,
    green,
    "lj-health-food",
    ["place-order"],
    "Kiosks order for walk-in customers.",
    40 * day,
    GrantState.ACTIVE,
    olga,
  );
  grant(
    olga,
    board,
    "lj-health-food",
    ["list-orders"],
    "Shows what is to be packed.",
    79 * day,
    GrantState.ACTIVE,
    olga,
  );
  grant(
    olga,
    board,
    "https://stock.lj.example/v2",
    ["read"],
    "Shows what runs out.",
    60 * day,
    GrantState.ACTIVE,
    olga,
  );
  grant(
    pavel,
    green,
    "billing",
    ["refund"],
    "Refunds at the kiosk.",
    20 * day,
    GrantState.DENIED,
    ada,
    "refunds stay with the service desk",
  );
  grant(
    ada,
    sync,
    "turnpike",
    ["registry.read", "registry.write"],
    "Registers clients from repositories.",
    29 * day,
    GrantState.ACTIVE,
    ada,
  );
  grant(
    pavel,
    green,
    "https://stock.lj.example/v2",
    ["read", "reserve"],
    "The pilot with reservations at the kiosk.",
    35 * day,
    GrantState.REVOKED,
    olga,
  );
  grant(
    pavel,
    green,
    "lj-health-food",
    ["list-orders", "cancel-order"],
    "Customers ask at the kiosk where their order is, and some change their mind.",
    3 * 60 * minute,
    GrantState.PENDING,
  );
  grant(
    pavel,
    nature,
    "https://stock.lj.example/v2",
    ["read"],
    "Show what is sold out before it is ordered.",
    26 * 60 * minute,
    GrantState.PENDING,
  );
  seedPool(world);
  seedSessions(world);
  world.sortEvents();
  return world;
}
