import { expect, it } from "vitest";
import { introspectionCommand, tokenCommand, tokenCommandOfAnyClient } from "./commands";

it("asks for the granted scopes, and holds no secret", () => {
  expect(tokenCommand("http://127.0.0.1:8080/oauth2/token", "abc", ["api/read", "api/write"]))
    .toMatchInlineSnapshot(`
      "curl -sS 'http://127.0.0.1:8080/oauth2/token' \\
        -u "abc:$CLIENT_SECRET" \\
        -d grant_type=client_credentials \\
        --data-urlencode 'scope=api/read api/write'"
    `);
});

it("ends without a dangling line where nothing is granted", () => {
  expect(tokenCommand("http://localhost/oauth2/token", "abc", [])).toMatch(/client_credentials$/);
});

it("form-encodes an identifier that Basic would cut at its colon", () => {
  const command = introspectionCommand("https://t.example/introspect", "https://api.example/v1");
  expect(command).toContain(`-u "https%3A%2F%2Fapi.example%2Fv1:$RESOURCE_SERVER_SECRET"`);
});

it("leaves nothing in an identifier or a client id that a shell would take for its own", () => {
  const all = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index)).join("");
  for (const command of [
    introspectionCommand("https://t.example", all),
    tokenCommand("", all, []),
  ]) {
    const user = /-u "(.*):\$/.exec(command)?.[1] ?? "";
    expect(user).toMatch(/^[A-Za-z0-9%._-]+$/);
    expect(decodeURIComponent(user)).toBe(all);
  }
});

it("leaves the client to whoever pastes it, on the page of an API", () => {
  expect(tokenCommandOfAnyClient("http://t.example/oauth2/token", "api/read")).toBe(
    [
      "curl -sS 'http://t.example/oauth2/token' \\",
      '  -u "$CLIENT_ID:$CLIENT_SECRET" \\',
      "  -d grant_type=client_credentials \\",
      "  --data-urlencode 'scope=api/read'",
    ].join("\n"),
  );
});
