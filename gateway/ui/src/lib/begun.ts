import { useState } from "react";

/**
 * What a form began with. It opens at once with what is known, and keeps it: an answer that comes while
 * somebody types must change neither the fields nor the etag that the change is decided on. If it was out
 * of date, the server says so on saving, and `begin` takes the newer one.
 */
export function useBegun<T>(known: T | undefined): {
  begun: T | undefined;
  /** Counts the beginnings: the form's key. */
  generation: number;
  begin: (fresh: T | undefined) => void;
} {
  const [state, setState] = useState<{ begun: T | undefined; generation: number }>({
    begun: undefined,
    generation: 0,
  });
  if (state.begun === undefined && known !== undefined) {
    setState({ begun: known, generation: state.generation });
  }
  return {
    ...state,
    begin: (fresh) => setState({ begun: fresh, generation: state.generation + 1 }),
  };
}
