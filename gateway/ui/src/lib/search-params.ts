/**
 * Search parameters are plain strings. The router's own codec is JSON: it would write `?text=%225%22`
 * for the text 5, and read a hand-written `?text=5` as a number.
 */
export function parseSearch(search: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    if (typeof value === "string" && value !== "") params.set(key, value);
  }
  const written = params.toString();
  return written === "" ? "" : `?${written}`;
}

/** The value of `key` if it is a string with something in it. */
export function text(search: Record<string, unknown>, key: string): string | undefined {
  const value = search[key];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The value of `key` if it is one of `allowed`; a stranger in the URL counts as absent. */
export function oneOf<const T extends string>(
  search: Record<string, unknown>,
  key: string,
  allowed: readonly T[],
): T | undefined {
  return allowed.find((value) => value === search[key]);
}

/** Leaves out what is undefined, as `exactOptionalPropertyTypes` asks. */
export function compact<T extends Record<string, unknown>>(
  search: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
