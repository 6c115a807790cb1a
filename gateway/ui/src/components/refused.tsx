import type { Duration } from "@bufbuild/protobuf/wkt";
import { durationInWords } from "~/lib/time";

/**
 * By whom and when tokens are refused that were good: a verifier with keys alone trusts a token until it ends, one that
 * asks introspection knows within a second.
 */
export function Refused({ lifetime }: { lifetime: Duration | undefined }) {
  return (
    <>
      within a second by APIs that ask Turnpike (introspection), by others when the tokens end
      {lifetime !== undefined && <>, within {durationInWords(Number(lifetime.seconds))}</>}
    </>
  );
}
