import { execFileSync } from "node:child_process";
import { required, type Persona } from "./personas";

/** A new login link of the Turnpike under test, as its owner gets one. */
export function freshLink(persona: Persona): string {
  const said = execFileSync(
    required("TURNPIKE_BIN"),
    ["links", persona, "--json", "--data-dir", required("TURNPIKE_DATA_DIR")],
    // What the stories are told has names that Turnpike would take for settings.
    { encoding: "utf8", env: {} },
  );
  return (JSON.parse(said) as Record<Persona, string>)[persona];
}
