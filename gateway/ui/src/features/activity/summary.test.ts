import { expect, it } from "vitest";
import { summaryOf } from "./summary";

const event = (
  action: string,
  changes: [field: string, before: unknown, after: unknown][] = [],
  rest: { reason?: string; refusal?: string } = {},
) => ({
  action,
  reason: "",
  refusal: "",
  changes: changes.map(([field, before, after]) => ({
    field,
    before: before === undefined ? "" : JSON.stringify(before),
    after: after === undefined ? "" : JSON.stringify(after),
  })),
  ...rest,
});

it.each([
  [event("client.created", [["display_name", undefined, "Nature Basket"]]), "Nature Basket"],
  [
    event("client.updated", [["token_lifetime_seconds", 3600, 300]]),
    "token lifetime: 1 hour → 5 minutes",
  ],
  [
    event("resource_server.updated", [
      ["scopes", ["read: Read"], ["write: Write"]],
      ["description", "", "Orders"],
    ]),
    "scopes: added write: Write, removed read: Read, and 1 more",
  ],
  [event("client.secret_added", [["secrets", [], ["sec_a"]]]), "secrets: added sec_a"],
  [
    event("grant.requested", [["scopes", undefined, ["https://a.example/v1/read", "b/write"]]], {
      reason: "why",
    }),
    "read and write",
  ],
  [
    event("grant.revoked", [["state", "active", "revoked"]], { reason: "it is over" }),
    "“it is over”",
  ],
  [event("client.disabled", [["enabled", true, false]]), ""],
  [event("call.refused", [], { refusal: "NOT_ALLOWED" }), "not allowed"],
  [event("call.refused", [], { refusal: "A_NEW_CODE" }), "a new code"],
])("says %o in a line", (given, words) => {
  expect(summaryOf(given)).toBe(words);
});
