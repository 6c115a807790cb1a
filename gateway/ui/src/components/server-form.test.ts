import { expect, it } from "vitest";
import { formField } from "./server-form";

const fields = ["displayName", "scopes", "scopes.0.name", "tokenLifetime", "reason"];
const known = (field: string) => fields.includes(field);

it.each([
  ["client.display_name", "displayName"],
  ["resource_server.scopes.0.name", "scopes.0.name"],
  ["scopes.7", "scopes"],
  ["client.token_lifetime.seconds", "tokenLifetime"],
  ["reason", "reason"],
  ["client.etag", undefined],
  ["client", undefined],
])("puts %s at %s", (path, field) => {
  expect(formField(path, known)).toBe(field);
});

it("knows fields by their aliases", () => {
  expect(formField("grant.reason_text", known, { reasonText: "reason" })).toBe("reason");
});
