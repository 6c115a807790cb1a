import type { Event, FieldChange } from "~/api";
import { list, splitScope } from "~/lib/words";
import { fieldInWords, listChange, valueInWords } from "~/lib/log-values";

type Change = Pick<FieldChange, "field" | "before" | "after">;

const refusals: Record<string, string> = {
  ALREADY_EXISTS: "it exists already",
  IN_THE_WAY: "something was in the way",
  INVALID_FIELDS: "a field was wrong",
  NOT_ALLOWED: "not allowed",
  NOT_FOUND: "not found, or not theirs to see",
  STALE_ETAG: "it had changed meanwhile",
};

/** The stable code of a refusal, as people say it. */
export function refusalInWords(code: string): string {
  return refusals[code] ?? code.toLowerCase().replaceAll("_", " ");
}

/** "display name: Nature Basket → Basket", "scopes: added read". */
export function changeInWords({ field, before, after }: Change): string {
  const name = fieldInWords(field);
  const both = before !== "" && after !== "" ? listChange(before, after) : undefined;
  if (both !== undefined) {
    const words = [
      ...(both.added.length > 0 ? [`added ${list(both.added)}`] : []),
      ...(both.removed.length > 0 ? [`removed ${list(both.removed)}`] : []),
    ];
    return `${name}: ${words.join(", ")}`;
  }
  const [was, is] = [valueInWords(field, before), valueInWords(field, after)];
  if (was === undefined) return `${name}: ${is ?? "nothing"}`;
  return `${name}: ${was} → ${is ?? "nothing"}`;
}

/** What there is to say of an event beyond what happened to what; empty if nothing. */
export function summaryOf(
  event: Pick<Event, "action" | "reason" | "refusal"> & { readonly changes: readonly Change[] },
): string {
  const [object = "", verb = ""] = event.action.split(".");
  if (event.action === "call.refused") return refusalInWords(event.refusal);
  const after = (field: string) =>
    event.changes.find((change) => change.field === field)?.after ?? "";
  if (event.action === "grant.requested") {
    const scopes = listChange("", after("scopes"))?.added ?? [];
    return list(scopes.map((scope) => splitScope(scope).name));
  }
  if (event.reason !== "") return `“${event.reason}”`;
  if (object === "grant") return "";
  if (verb === "created" || verb === "adopted") {
    return valueInWords("display_name", after("display_name")) ?? "";
  }
  if (verb !== "updated" && verb !== "secret_added" && verb !== "secret_removed") return "";
  const [first, ...rest] = event.changes;
  if (first === undefined) return "";
  return rest.length === 0
    ? changeInWords(first)
    : `${changeInWords(first)}, and ${rest.length} more`;
}
