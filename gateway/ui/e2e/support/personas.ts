import { fileURLToPath } from "node:url";

/** The people of the demo company, as `turnpike up` knows them. */
export const personas = ["olga", "pavel", "ada", "aino"] as const;
export type Persona = (typeof personas)[number];

export function storageState(persona: Persona): string {
  return fileURLToPath(new URL(`../.auth/${persona}.json`, import.meta.url));
}

/** Each link works once: one login a persona, kept for all tests. */
export function loginLinks(): Record<Persona, string> {
  const links: unknown = JSON.parse(required("TURNPIKE_LOGIN_LINKS"));
  const isLinks = (value: unknown): value is Record<Persona, string> =>
    typeof value === "object" &&
    value !== null &&
    personas.every((persona) => typeof (value as Record<string, unknown>)[persona] === "string");
  if (!isLinks(links))
    throw new Error(`TURNPIKE_LOGIN_LINKS needs a link for ${personas.join(", ")}`);
  return links;
}

export function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set`);
  return value;
}
