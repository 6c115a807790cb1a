import { expect, it } from "vitest";
import { actionInWords, methodInWords } from "./words";

it.each([
  ["client.created", "", "Client created"],
  ["resource_server.secret_added", "", "Resource server: secret added"],
  ["call.refused", "turnpike.v1.ClientService/CreateClient", "Create client"],
  ["call.refused", "", "Call"],
])("says %s of %j as %j", (action, method, words) => {
  expect(actionInWords({ action, method })).toBe(words);
});

it("says what was called", () => {
  expect(methodInWords("turnpike.v1.ResourceServerService/AddResourceServerSecret")).toBe(
    "add resource server secret",
  );
});
