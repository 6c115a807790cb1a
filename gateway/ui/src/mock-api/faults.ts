import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
} from "~/api/gen/google/rpc/error_details_pb";
import type { Problems } from "~/lib/rules";

const info = (reason: string) => ({
  desc: ErrorInfoSchema,
  value: create(ErrorInfoSchema, { reason, domain: "turnpike" }),
});

/** Throws INVALID_ARGUMENT if any field has a problem. */
export function refuseInvalid(problems: Problems): void {
  const fieldViolations = Object.entries(problems).flatMap(([field, description]) =>
    description === undefined ? [] : [{ field, description }],
  );
  const first = fieldViolations[0];
  if (first === undefined) return;
  throw new ConnectError(`${first.field}: ${first.description}`, Code.InvalidArgument, undefined, [
    info("INVALID"),
    { desc: BadRequestSchema, value: create(BadRequestSchema, { fieldViolations }) },
  ]);
}

export function precondition(violations: { type: string; subject: string; description: string }[]) {
  return new ConnectError(
    violations[0]?.description ?? "not possible now",
    Code.FailedPrecondition,
    undefined,
    [
      info(violations[0]?.type ?? "PRECONDITION"),
      { desc: PreconditionFailureSchema, value: create(PreconditionFailureSchema, { violations }) },
    ],
  );
}

export const notFound = (what: string, key: string) =>
  new ConnectError(`${what} \`${key}\` not found`, Code.NotFound, undefined, [info("NOT_FOUND")]);
export const denied = () =>
  new ConnectError("not allowed", Code.PermissionDenied, undefined, [info("DENIED")]);
export const stale = (what: string) =>
  new ConnectError(`${what} has changed`, Code.Aborted, undefined, [info("STALE")]);
export const taken = (what: string, key: string) =>
  new ConnectError(`${what} \`${key}\` already exists`, Code.AlreadyExists, undefined, [
    info("ALREADY_EXISTS"),
  ]);
export const signedOut = () =>
  new ConnectError("not signed in", Code.Unauthenticated, undefined, [info("UNAUTHENTICATED")]);
export const otherPerson = () =>
  new ConnectError("somebody else has signed in", Code.FailedPrecondition, undefined, [
    info("OTHER_PERSON"),
  ]);
