import { durationInWords, inFull } from "./time";
import { list } from "./words";

const names: Record<string, string> = {
  client_id: "client",
  decision_note: "note",
  expire_time: "ends",
  tokens_revoked_time: "tokens revoked up to",
};

/** "display_name" is "display name"; a unit at the end is said with the value. */
export function fieldInWords(field: string): string {
  const known = names[field];
  if (known !== undefined) return known;
  return field
    .replace(/_seconds$/, "")
    .replaceAll(/[_.[\]]+/g, " ")
    .trim();
}

/** A value of the log, which is JSON, as people say it; undefined where there was none. */
export function valueInWords(field: string, json: string): string | undefined {
  if (json === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return json;
  }
  if (typeof value === "number" && field.endsWith("_seconds")) return durationInWords(value);
  // Times are milliseconds since 1970.
  if (typeof value === "number" && field.endsWith("_time")) return inFull(new Date(value));
  return inWords(value);
}

function inWords(value: unknown): string {
  if (value === null || value === "") return "nothing";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.length === 0 ? "none" : list(value.map(inWords));
  if (typeof value === "object") {
    return Object.entries(value)
      .map(([key, one]) => `${fieldInWords(key)}: ${inWords(one)}`)
      .join(", ");
  }
  return "";
}

export interface ListChange {
  readonly added: string[];
  readonly removed: string[];
}

/** What came and went, where both sides are lists; undefined where they are not. */
export function listChange(before: string, after: string): ListChange | undefined {
  const [was, is] = [asList(before), asList(after)];
  if (was === undefined || is === undefined) return undefined;
  return {
    added: is.filter((item) => !was.includes(item)),
    removed: was.filter((item) => !is.includes(item)),
  };
}

function asList(json: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(json === "" ? "[]" : json);
    return Array.isArray(value) ? value.map(inWords) : undefined;
  } catch {
    return undefined;
  }
}
