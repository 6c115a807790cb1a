import { expect, it } from "vitest";
import { fieldInWords, listChange, valueInWords } from "./log-values";

it.each([
  ["display_name", '"Nature Basket"', "Nature Basket"],
  ["token_lifetime_seconds", "3600", "1 hour"],
  ["enabled", "false", "no"],
  ["description", '""', "nothing"],
  ["scopes", '["a/read","a/write"]', "a/read and a/write"],
  ["scopes", "[]", "none"],
  ["anything", "not json", "not json"],
  ["nested", '{"display_name":"x"}', "display name: x"],
])("says the %s %s as %s", (field, json, words) => {
  expect(valueInWords(field, json)).toBe(words);
});

it("says a moment in full", () => {
  expect(valueInWords("expire_time", "1795348800000")).toContain("2026");
});

it("tells nothing from empty", () => {
  expect(valueInWords("reason", "")).toBeUndefined();
});

it("says what came and went in a list", () => {
  expect(listChange('["a","b"]', '["b","c"]')).toEqual({ added: ["c"], removed: ["a"] });
  expect(listChange('"a"', '"b"')).toBeUndefined();
});

it("says a unit with the value, not with the field", () => {
  expect(fieldInWords("token_lifetime_seconds")).toBe("token lifetime");
  expect(fieldInWords("expire_time")).toBe("ends");
});
