import type { Event } from "~/api";

const objects: Record<string, string> = {
  call: "Call",
  client: "Client",
  grant: "Grant",
  pool: "Pool",
  resource_server: "Resource server",
  session: "Session",
  signing_key: "Signing key",
  team: "Team",
  token: "Token",
};

/** `resource_server.secret_added` is "Resource server: secret added". */
export function actionInWords(event: Pick<Event, "action" | "method">): string {
  // That it was refused stands beside it as a badge.
  if (event.action === "call.refused") {
    const words = methodInWords(event.method);
    return words === "" ? "Call" : words.charAt(0).toUpperCase() + words.slice(1);
  }
  const [object = "", verb = ""] = event.action.split(".");
  const name = objects[object] ?? object;
  const words = verb.replaceAll("_", " ");
  return words.includes(" ") ? `${name}: ${words}` : `${name} ${words}`;
}

/** `turnpike.v1.ClientService/DisableClient` is "disable client". */
export function methodInWords(method: string): string {
  const name = method.split("/").at(-1) ?? "";
  return name.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

/** Groups of actions to choose from. */
export const aboutChoices = [
  { value: "", label: "Everything" },
  { value: "clients", label: "Clients" },
  { value: "resource-servers", label: "Resource servers" },
  { value: "grants", label: "Grants" },
  { value: "teams", label: "Teams" },
  { value: "refusals", label: "Refused calls" },
] as const;

export const actionOf: Record<string, string> = {
  clients: "client.*",
  "resource-servers": "resource_server.*",
  grants: "grant.*",
  teams: "team.*",
  refusals: "call.refused",
};
