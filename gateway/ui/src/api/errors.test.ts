import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import {
  explain,
  fieldPath,
  isOfTheSession,
  isTransient,
  problemSentence,
  sentence,
} from "./errors";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "./gen/google/rpc/error_details_pb";

/** As it arrives: details travel in a trailer, so they are encoded and decoded. */
const failure = (
  code: Code,
  message: string,
  details: ConstructorParameters<typeof ConnectError>[3] = [],
) => new ConnectError(message, code, undefined, details);

describe("explain", () => {
  it("puts field violations at their fields, the first one of each", () => {
    const fault = explain(
      failure(Code.InvalidArgument, "client.display_name is required", [
        {
          desc: BadRequestSchema,
          value: create(BadRequestSchema, {
            fieldViolations: [
              { field: "client.display_name", description: "is required" },
              { field: "client.display_name", description: "must have at most 128 characters" },
              { field: "client.scopes[2]", description: "does not exist" },
            ],
          }),
        },
      ]),
    );
    expect(fault.kind).toBe("invalid");
    expect(fault.fields).toEqual({
      "client.display_name": "The display name is required.",
      "client.scopes.2": "This scope does not exist.",
    });
    expect(fault.message).toBe("The display name is required. This scope does not exist.");
  });

  it("knows somebody else's session from a thing in the way", () => {
    const error = failure(Code.FailedPrecondition, "somebody else has signed in", [
      { desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { reason: "OTHER_PERSON" }) },
    ]);
    expect(explain(error).kind).toBe("other-person");
    expect(isOfTheSession(error)).toBe(true);
    expect(isOfTheSession(failure(Code.Unauthenticated, "not signed in"))).toBe(true);
    expect(isOfTheSession(failure(Code.FailedPrecondition, "blocked"))).toBe(false);
  });

  it("tells what stands in the way", () => {
    const fault = explain(
      failure(Code.FailedPrecondition, "blocked", [
        { desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { reason: "TOO_MANY_SECRETS" }) },
        {
          desc: PreconditionFailureSchema,
          value: create(PreconditionFailureSchema, {
            violations: [
              {
                type: "TOO_MANY_SECRETS",
                subject: "clients/a",
                description: "two secrets are live",
              },
            ],
          }),
        },
      ]),
    );
    expect(fault.kind).toBe("precondition");
    expect(fault.reason).toBe("TOO_MANY_SECRETS");
    expect(fault.message).toBe("Two secrets are live.");
    expect(fault.violations[0]?.subject).toBe("clients/a");
  });

  it("says when to try again", () => {
    const error = failure(Code.ResourceExhausted, "slow down", [
      {
        desc: RetryInfoSchema,
        value: create(RetryInfoSchema, { retryDelay: { seconds: 2n, nanos: 1 } }),
      },
    ]);
    expect(explain(error).retryAfter).toBe(3);
    expect(explain(error).message).toContain("in 3 seconds");
    expect(isTransient(error)).toBe(true);
  });

  it("gives the request id of a defect", () => {
    const fault = explain(
      failure(Code.Internal, "internal error", [
        { desc: RequestInfoSchema, value: create(RequestInfoSchema, { requestId: "r-1" }) },
      ]),
    );
    expect(fault.kind).toBe("defect");
    expect(fault.requestId).toBe("r-1");
    expect(fault.message).not.toContain("internal error");
  });

  it("takes the request id from the headers where there is no detail", () => {
    const error = new ConnectError("internal error", Code.Internal, { "x-request-id": "r-2" });
    expect(explain(error).requestId).toBe("r-2");
  });

  it.each([
    ["Chromium", new TypeError("Failed to fetch")],
    ["Firefox", new TypeError("NetworkError when attempting to fetch resource.")],
    ["Safari", new TypeError("Load failed")],
  ])("knows a server that is gone, as %s says it", (_browser, error) => {
    expect(explain(error).kind).toBe("unreachable");
    expect(explain(ConnectError.from(error)).kind).toBe("unreachable");
    expect(isTransient(error)).toBe(true);
  });

  it("does not take a defect in the page for a network failure", () => {
    expect(explain(new RangeError("bad index")).kind).toBe("defect");
    expect(explain(new TypeError("x is undefined")).kind).toBe("defect");
  });

  it.each([
    [Code.Unauthenticated, "signed-out"],
    [Code.PermissionDenied, "denied"],
    [Code.NotFound, "absent"],
    [Code.Aborted, "changed"],
    [Code.AlreadyExists, "exists"],
    [Code.Unavailable, "unreachable"],
    [Code.DeadlineExceeded, "unreachable"],
    [Code.Canceled, "cancelled"],
    [Code.Unimplemented, "defect"],
    [Code.DataLoss, "defect"],
  ] as const)("sorts code %s as %s, with words", (code, kind) => {
    const fault = explain(failure(code, "some words"));
    expect(fault.kind).toBe(kind);
    expect(fault.title).not.toBe("");
    expect(fault.message).toMatch(/[.!]$/);
  });
});

describe("words", () => {
  it("makes sentences", () => {
    expect(sentence("client `a` not found")).toBe("Client `a` not found.");
    expect(sentence("Done.")).toBe("Done.");
    expect(sentence("")).toBe("");
  });

  it.each([
    ["client.display_name", "is required", "The display name is required."],
    ["client.team", "is required", "The owning team is required."],
    ["team.team", "is required", "The key is required."],
    ["resource_server.scopes[0].name", "is there twice", "The name is there twice."],
    ["scopes[3]", "does not exist", "This scope does not exist."],
    ["scopes", "is required", "At least one scope is required."],
    ["scopes", "must have at most 50 entries", "The scopes must have at most 50 entries."],
    ["team.appRoles[1]", "is there twice", "This app role is there twice."],
    ["expire_time", "must be in the future", "The end must be in the future."],
    ["client_id", "does not exist", "The client does not exist."],
    ["scopes", "no such scope", "No such scope."],
  ])("names the thing at %s", (path, words, said) => {
    expect(problemSentence(path, words)).toBe(said);
  });

  it("reads one path in all its spellings", () => {
    expect(fieldPath("resource_server.scopes[0].name")).toBe("resource_server.scopes.0.name");
    expect(fieldPath('labels["a"].displayName')).toBe("labels.a.display_name");
  });
});
