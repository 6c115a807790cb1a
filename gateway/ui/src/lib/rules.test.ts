import { expect, it } from "vitest";
import {
  badIdentifier,
  badReason,
  badScopeName,
  clientProblems,
  requestProblems,
  resourceServerProblems,
  teamProblems,
} from "./rules";

const broken = (problems: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(Object.entries(problems).filter(([, problem]) => problem !== undefined));

it("finds what is missing", () => {
  expect(
    broken(
      resourceServerProblems({
        identifier: "",
        displayName: "",
        description: "",
        team: "",
        scopes: [{ name: "", description: "" }],
      }),
    ),
  ).toEqual({
    "resource_server.display_name": "is required",
    "resource_server.identifier": "is required",
    "resource_server.team": "is required",
    "resource_server.scopes[0].name": "is required",
    "resource_server.scopes[0].description": "is required",
  });
  expect(broken(clientProblems({ displayName: "", description: "", team: "a" }))).toEqual({
    "client.display_name": "is required",
  });
  expect(badReason("")).toBe("is required");
  const nothing = { clientId: "", resourceServer: "", scopes: [], reason: "" };
  expect(broken(requestProblems(nothing, new Date()))).toEqual({
    client_id: "is required",
    resource_server: "is required",
    scopes: "is required",
    reason: "is required",
  });
});

it.each([
  ["orders", undefined],
  ["https://orders.example.com/v1", undefined],
  ["has space", "must not contain spaces"],
  ["tab\there", "must not contain spaces"],
  ['say "hi"', "must not contain spaces"],
  ['"hi"', 'may hold only visible ASCII characters but `"` and `\\`, and no spaces'],
  ["é", 'may hold only visible ASCII characters but `"` and `\\`, and no spaces'],
  ["x".repeat(256), undefined],
  ["x".repeat(257), "must have at most 256 characters"],
])("says of the identifier %j: %j", (value, problem) => {
  expect(badIdentifier(value)).toBe(problem);
});

it("knows scopes by their names, and together with the identifier", () => {
  expect(badScopeName("place-order")).toBeUndefined();
  expect(badScopeName("place order")).toBe("must not contain spaces");
  expect(badScopeName("a/b")).toContain("`/`");
  const server = {
    identifier: "x".repeat(200),
    displayName: "X",
    description: "",
    team: "a",
    scopes: ["read", "y".repeat(60), "read"].map((name) => ({ name, description: "d" })),
  };
  expect(broken(resourceServerProblems(server))).toEqual({
    "resource_server.scopes[1].name":
      "must have at most 256 characters together with the identifier and a `/`",
    "resource_server.scopes[2].name": "is there twice",
  });
});

it("counts characters as people do, and wants none that cannot be seen", () => {
  const named = (displayName: string) =>
    clientProblems({ displayName, description: "", team: "a" })["client.display_name"];
  expect(named("é".normalize("NFD").repeat(128))).toBeUndefined();
  expect(named("🦀".repeat(128))).toBeUndefined();
  expect(named("x".repeat(129))).toBe("must have at most 128 characters");
  expect(named(" x")).toBe("must be without white space at its ends");
  expect(named("a\tb")).toBe("may hold only visible characters and spaces");
  expect(badReason("two\nlines")).toBeUndefined();
  expect(badReason("   ")).toBe("must be without white space at its ends");
});

it.each([
  [299n, "must be between 5 minutes and 1 day"],
  [300n, undefined],
  [86_400n, undefined],
  [86_401n, "must be between 5 minutes and 1 day"],
])("lets a token live %d seconds: %j", (seconds, problem) => {
  const client = { displayName: "a", description: "", team: "a", tokenLifetime: { seconds } };
  expect(clientProblems(client)["client.token_lifetime"]).toBe(problem);
});

it("wants an end that is still to come", () => {
  const now = new Date("2026-11-28T12:00:00Z");
  const at = (expires: Date | undefined) =>
    requestProblems(
      { clientId: "a", resourceServer: "b", scopes: ["b/c"], reason: "r", expires },
      now,
    )["expire_time"];
  expect(at(undefined)).toBeUndefined();
  expect(at(now)).toBe("must be in the future");
  expect(at(new Date(now.getTime() + 1))).toBeUndefined();
});

it("looks at each line of a team's lists", () => {
  expect(
    broken(
      teamProblems({
        team: "Orders",
        displayName: "Orders",
        contact: "",
        appRoles: ["Team.Orders", "has space", "Team.Orders"],
        directoryGroups: ["g", "g"],
      }),
    ),
  ).toEqual({
    "team.team": "may hold only lower-case letters, digits and `-`",
    "team.app_roles[1]": "may hold only visible ASCII characters without a space",
    "team.app_roles[2]": "is there twice",
    "team.directory_groups[1]": "is there twice",
  });
});

it("speaks in the words of the server", () => {
  const sources = import.meta.glob<string>("../../../../crates/domain/src/*.rs", {
    query: "?raw",
    import: "default",
    eager: true,
  });
  const domain = Object.values(sources).join("\n");
  const said = [
    "is required",
    "is there twice",
    "must have at most {max} {unit}",
    "may hold only {0}",
    "must be {0}",
    "visible characters and spaces",
    "visible characters, spaces and line feeds",
    'visible ASCII characters but `\\"` and `\\\\`, and no spaces',
    'visible ASCII characters but `\\"`, `\\\\` and `/`, and no spaces',
    "visible ASCII characters without a space",
    "lower-case letters, digits and `-`",
    "without white space at its ends",
    "between 5 minutes and 1 day",
    "must have at most 256 characters together with the identifier and a `/`",
  ];
  // Whole: a rule that says more than ours ends later.
  for (const words of said) expect(domain).toContain(`${words}"`);
});
