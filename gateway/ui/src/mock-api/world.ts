import { create } from "@bufbuild/protobuf";
import { timestampFromDate, timestampMs } from "@bufbuild/protobuf/wkt";
import { EventSchema, type Event, type FieldChange } from "~/api/gen/turnpike/v1/audit_pb";
import {
  PrincipalKind,
  PrincipalSchema,
  SecretSchema,
  type Client,
  type Grant,
  type Principal,
  type ResourceServer,
  type Secret,
} from "~/api/gen/turnpike/v1/resources_pb";
import type { Session } from "~/api/gen/turnpike/v1/session_pb";
import type { Drift, Pending } from "~/api/gen/turnpike/v1/reconcile_pb";
import { TeamSchema, TeamState, type Team } from "~/api/gen/turnpike/v1/teams_pb";
import { denied, signedOut } from "./faults";

export interface Persona {
  readonly id: string;
  readonly name: string;
  readonly teams: readonly string[];
  readonly admin?: boolean;
  readonly auditor?: boolean;
  readonly teamsUnknown?: boolean;
}

export const personas = {
  olga: { id: "olga", name: "Olga Orlova", teams: ["orders"] },
  pavel: { id: "pavel", name: "Pavel Petrov", teams: ["partners"] },
  ada: { id: "ada", name: "Ada Adeyemi", teams: ["platform"], admin: true },
  aino: { id: "aino", name: "Aino Aalto", teams: ["security"], auditor: true },
  /** Just joined: a team that owns nothing yet, so that empty states can be seen. */
  nils: { id: "nils", name: "Nils Nyberg", teams: ["newcomers"] },
  /** In no team. */
  nora: { id: "nora", name: "Nora Nobody", teams: [] },
  /** In so many groups that the directory does not say which. */
  gwen: { id: "gwen", name: "Gwen Groups", teams: [], teamsUnknown: true },
  /** The same, with an app role that makes her a member of one team. */
  gala: { id: "gala", name: "Gala Groups", teams: ["orders"], teamsUnknown: true },
} satisfies Record<string, Persona>;

export type PersonaId = keyof typeof personas;

/** What an authorization server elsewhere has, as far as it says something else than the registry. */
export interface Pool {
  readonly drifts: Map<string, Drift>;
  pending: Pending[];
  /** What clients hold that only the pool has. */
  readonly unmanagedScopes: Map<string, string[]>;
  walk: { start: Date; end: Date; lookedAt: number } | undefined;
  walking: boolean;
}

/** All that the mock keeps. Several callers may share one. */
export class World {
  readonly resourceServers = new Map<string, ResourceServer>();
  readonly clients = new Map<string, Client>();
  readonly grants = new Map<string, Grant>();
  readonly events: Event[] = [];
  readonly teams = new Map<string, Team>();
  readonly answers = new Map<string, unknown>();
  readonly sessions = new Map<string, Session>();
  /** Undefined with the embedded issuer. */
  pool: Pool | undefined;
  #ids = 0;
  #revisions = 0;

  /** A team that is there from the start. */
  addTeam(team: Partial<Omit<Team, "$typeName" | "$unknown">> & { team: string }): void {
    this.teams.set(
      team.team,
      create(TeamSchema, { state: TeamState.ACTIVE, etag: this.etag(), ...team }),
    );
  }

  now(): Date {
    return new Date();
  }

  timestamp() {
    return timestampFromDate(this.now());
  }

  etag(): string {
    this.#revisions += 1;
    return `"${this.#revisions}"`;
  }

  id(prefix: string): string {
    this.#ids += 1;
    return `${prefix}${(this.#ids * 7_919).toString(36).padStart(26, "k3m9x2q7v4t8w5r6b1n0")}`.slice(
      0,
      prefix.length + 26,
    );
  }

  newSecret(): { secret: Secret; value: string } {
    const alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
    const letters = Array.from(
      crypto.getRandomValues(new Uint8Array(38)),
      (byte) => alphabet[byte % alphabet.length],
    );
    return {
      secret: create(SecretSchema, { secretId: this.id("sec_"), createTime: this.timestamp() }),
      value: `tp_${letters.join("")}`,
    };
  }

  /** The first answer to a request id, for a repeat of it. */
  once<T>(requestId: string, make: () => T): T {
    if (requestId === "") return make();
    const known = this.answers.get(requestId);
    if (known !== undefined) return known as T;
    const made = make();
    this.answers.set(requestId, made);
    return made;
  }

  log(
    caller: Caller,
    event: {
      action: string;
      subject: string;
      team: string;
      clientId?: string;
      resourceServer?: string;
      changes?: Pick<FieldChange, "field" | "before" | "after">[];
      reason?: string;
      method?: string;
      time?: Date;
    },
  ): void {
    this.events.push(
      create(EventSchema, {
        ...event,
        time: timestampFromDate(event.time ?? this.now()),
        actor: caller.principal,
      }),
    );
    this.#number(this.events.length);
  }

  /** Puts a seeded past in the order in which it happened. */
  sortEvents(): void {
    this.events.sort((a, b) => millis(a) - millis(b));
    for (let sequence = 1; sequence <= this.events.length; sequence += 1) this.#number(sequence);
  }

  #number(sequence: number): void {
    const event = this.events[sequence - 1];
    if (event === undefined) return;
    event.sequence = BigInt(sequence);
    event.requestId = `01JD${sequence.toString(36).toUpperCase().padStart(8, "0")}`;
    event.previousHash = hash(sequence - 1);
    event.hash = hash(sequence);
  }
}

/** Who calls, and what they may do. */
export class Caller {
  constructor(
    readonly persona: Persona,
    readonly principal: Principal = create(PrincipalSchema, {
      kind: PrincipalKind.STAFF,
      id: persona.id,
      displayName: persona.name,
    }),
  ) {}

  get seesAll(): boolean {
    return this.persona.admin === true || this.persona.auditor === true;
  }

  isIn(team: string): boolean {
    return this.persona.teams.includes(team);
  }

  mayManage(team: string): boolean {
    return this.persona.admin === true || this.isIn(team);
  }

  needs(team: string): void {
    if (!this.mayManage(team)) throw denied();
  }
}

export function callerOf(persona: Persona | undefined): Caller {
  if (persona === undefined) throw signedOut();
  return new Caller(persona);
}

const millis = (event: Event) => (event.time === undefined ? 0 : timestampMs(event.time));

/** Looks like a SHA-256; the mock has no chain to protect. */
function hash(sequence: number): string {
  if (sequence === 0) return "0".repeat(64);
  let state = sequence * 2_654_435_761;
  return Array.from({ length: 64 }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * 16).toString(16);
  }).join("");
}

/** A page of `items`, the token being the offset bound to the query. */
export function page<T>(
  items: readonly T[],
  request: { pageSize: number; pageToken: string },
): { items: T[]; nextPageToken: string } {
  const size = Math.min(request.pageSize === 0 ? 50 : request.pageSize, 200);
  const start = request.pageToken === "" ? 0 : Number(atob(request.pageToken));
  const end = start + size;
  return {
    items: items.slice(start, end),
    nextPageToken: end < items.length ? btoa(String(end)) : "",
  };
}

export const contains = (text: string, ...fields: string[]) =>
  text === "" || fields.some((field) => field.toLowerCase().includes(text.toLowerCase()));
