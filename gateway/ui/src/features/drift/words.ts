import { DriftKind, type DriftField } from "~/api";
import { fieldInWords, valueInWords } from "~/lib/log-values";
import { list, type Tone } from "~/lib/words";

export const kindWords: Record<DriftKind, { label: string; tone: Tone }> = {
  [DriftKind.UNSPECIFIED]: { label: "Unknown", tone: "quiet" },
  [DriftKind.DIFFERENT]: { label: "Different", tone: "waiting" },
  [DriftKind.MISSING]: { label: "Missing in the pool", tone: "bad" },
  [DriftKind.UNMANAGED]: { label: "Only in the pool", tone: "info" },
};

export interface Subject {
  readonly kind: "client" | "resource server";
  readonly key: string;
}

/** `clients/{client_id}` or `resource-servers/{identifier}`; an identifier may hold slashes. */
export function parseSubject(subject: string): Subject {
  const at = subject.indexOf("/");
  return {
    kind: subject.slice(0, at) === "clients" ? "client" : "resource server",
    key: subject.slice(at + 1),
  };
}

type Field = Pick<DriftField, "field" | "ours" | "theirs">;

/** What is in the registry and in the pool, as people say it; undefined for nothing. */
export function sides({ field, ours, theirs }: Field) {
  const say = (value: string) =>
    field === "scopes" && !value.includes("(") && value !== ""
      ? list(value.split(" "))
      : valueInWords(field, value);
  return { name: fieldInWords(field), ours: say(ours), theirs: say(theirs) };
}

/** "token lifetime: 1 hour here, 1 day in the pool". */
export function differenceInWords(field: Field): string {
  const { name, ours, theirs } = sides(field);
  if (ours === undefined) return `${name}: ${theirs ?? "nothing"} only in the pool`;
  if (theirs === undefined) return `${name}: ${ours} only here`;
  return field.field === "scopes"
    ? `${name}: ${ours} only here, ${theirs} only in the pool`
    : `${name}: ${ours} here, ${theirs} in the pool`;
}

/** What becomes of a setting when one side takes the value of the other. */
export function becomesInWords(field: Field, winner: "registry" | "pool"): string {
  const { name, ours, theirs } = sides(field);
  const [before, after] = winner === "pool" ? [ours, theirs] : [theirs, ours];
  if (field.field === "scopes") {
    const words = [
      ...(after === undefined ? [] : [`gains ${after}`]),
      ...(before === undefined ? [] : [`loses ${before}`]),
    ];
    return `${name}: ${words.join(", ")}`;
  }
  return `${name}: ${before ?? "nothing"} → ${after ?? "nothing"}`;
}
