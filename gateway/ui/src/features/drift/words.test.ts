import { expect, it } from "vitest";
import { becomesInWords, differenceInWords, parseSubject } from "./words";

const lifetime = { field: "token_lifetime_seconds", ours: "3600", theirs: "86400" };
const scopes = { field: "scopes", ours: "api/a api/b", theirs: "api/c" };
const callback = { field: "CallbackURLs", ours: "", theirs: "https://shop.example/cb" };

it.each([
  [lifetime, "token lifetime: 1 hour here, 1 day in the pool"],
  [scopes, "scopes: api/a and api/b only here, api/c only in the pool"],
  [{ ...scopes, theirs: "" }, "scopes: api/a and api/b only here"],
  [
    { ...scopes, ours: "read (Read it)", theirs: "read (Read all) write (Write)" },
    "scopes: read (Read it) only here, read (Read all) write (Write) only in the pool",
  ],
  [callback, "CallbackURLs: https://shop.example/cb only in the pool"],
])("says how %o differs", (field, words) => {
  expect(differenceInWords(field)).toBe(words);
});

it.each([
  [lifetime, "pool", "token lifetime: 1 hour → 1 day"],
  [lifetime, "registry", "token lifetime: 1 day → 1 hour"],
  [scopes, "registry", "scopes: gains api/a and api/b, loses api/c"],
  [scopes, "pool", "scopes: gains api/c, loses api/a and api/b"],
  [callback, "registry", "CallbackURLs: https://shop.example/cb → nothing"],
] as const)("says what becomes of %o when the %s wins", (field, winner, words) => {
  expect(becomesInWords(field, winner)).toBe(words);
});

it("reads a subject whose identifier is a URL", () => {
  expect(parseSubject("resource-servers/https://stock.lj.example/v2")).toEqual({
    kind: "resource server",
    key: "https://stock.lj.example/v2",
  });
  expect(parseSubject("clients/abc")).toEqual({ kind: "client", key: "abc" });
});
