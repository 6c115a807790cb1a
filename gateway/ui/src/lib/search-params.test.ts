import { expect, it } from "vitest";
import { compact, oneOf, parseSearch, stringifySearch, text } from "./search-params";

it("keeps numbers and booleans in the URL as the text they were", () => {
  expect(stringifySearch({ text: "5" })).toBe("?text=5");
  expect(parseSearch("?text=5&page=true")).toEqual({ text: "5", page: "true" });
  expect(parseSearch(stringifySearch({ text: "a&b=c +%22" }))).toEqual({ text: "a&b=c +%22" });
});

it("leaves out what is empty", () => {
  expect(stringifySearch({ text: "", team: undefined })).toBe("");
  expect(compact({ a: undefined, b: "x" })).toEqual({ b: "x" });
});

it("takes a stranger in the URL for absent", () => {
  expect(oneOf({ state: "sleeping" }, "state", ["enabled", "disabled"])).toBeUndefined();
  expect(oneOf({ state: "disabled" }, "state", ["enabled", "disabled"])).toBe("disabled");
  expect(text({ text: ["a"] }, "text")).toBeUndefined();
});
