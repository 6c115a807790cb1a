import { PrincipalKind, type Principal } from "~/api";
import { nameOf } from "~/lib/words";
import { StatusBadge } from "./badge";

/** What stands beside the name of whoever is not a person: anybody may call a client "Ada Admin". */
const marks: Partial<Record<PrincipalKind, string>> = {
  [PrincipalKind.CLIENT]: "program",
  [PrincipalKind.RESOURCE_SERVER]: "resource server",
  [PrincipalKind.SYSTEM]: "automatic",
};

/** Who did something: a person by name, anything else with a mark. */
export function Who({ principal }: { principal: Principal | undefined }) {
  const mark = principal === undefined ? undefined : marks[principal.kind];
  return (
    <>
      {/* A name is of any script, and must not turn what stands around it. */}
      <bdi>{nameOf(principal)}</bdi>
      {mark !== undefined && (
        <>
          {" "}
          <StatusBadge tone="quiet">{mark}</StatusBadge>
        </>
      )}
    </>
  );
}
