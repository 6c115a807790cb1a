import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "./gen/google/rpc/error_details_pb";

/** What the user can do about an error decides its kind, not where it came from. */
export type FaultKind =
  /** Sign in. */
  | "signed-out"
  /** Somebody else has signed in in this browser: load the page again. */
  | "other-person"
  /** Ask someone who may. */
  | "denied"
  /** It is not there, or not theirs to see. */
  | "absent"
  /** It changed since it was read: load it again, then decide. */
  | "changed"
  /** Mend the fields. */
  | "invalid"
  /** The name is taken, or the same thing exists. */
  | "exists"
  /** Something else must be done first. */
  | "precondition"
  /** Wait, then try again. */
  | "busy"
  /** The gateway did not answer. */
  | "unreachable"
  /** The caller went away. */
  | "cancelled"
  /** A defect of ours: report it with the request id. */
  | "defect";

export interface Violation {
  readonly type: string;
  readonly subject: string;
  readonly description: string;
}

/** An error in words, for people. */
export interface Fault {
  readonly kind: FaultKind;
  /** A heading of a few words. */
  readonly title: string;
  /** One or two sentences. */
  readonly message: string;
  /** The stable code, as in docs/errors.md. */
  readonly reason: string | undefined;
  /** Path of a field in the request, dots only (`client.display_name`, `scopes.0.name`), to its problem. */
  readonly fields: Readonly<Record<string, string>>;
  readonly violations: readonly Violation[];
  /** Seconds after which trying again makes sense. */
  readonly retryAfter: number | undefined;
  /** What to quote when asking for help. */
  readonly requestId: string | undefined;
}

const titles: Record<FaultKind, string> = {
  "signed-out": "You are signed out",
  "other-person": "Somebody else has signed in",
  denied: "Not allowed",
  absent: "Not found",
  changed: "Changed in the meantime",
  invalid: "Something needs mending",
  exists: "Taken already",
  precondition: "Not possible right now",
  busy: "Turnpike is busy",
  unreachable: "No connection to Turnpike",
  cancelled: "Cancelled",
  defect: "Something went wrong on our side",
};

/** Turns the server's public words (lower case, no full stop) into a sentence. */
export function sentence(words: string): string {
  const trimmed = words.trim();
  if (trimmed === "") return "";
  const capital = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
}

/** What a field is called where its own name does not say it, by its path or the path's end. */
const fieldNames: Readonly<Record<string, string>> = {
  client_id: "client",
  decision_note: "note",
  expire_time: "end",
  team: "owning team",
  "team.team": "key",
};

const singular: Readonly<Record<string, string>> = {
  app_roles: "app role",
  directory_groups: "directory group",
  scopes: "scope",
};

/**
 * The problem of a field as a sentence: the server's words follow the field's name. "The display name is
 * required.", "This scope does not exist."
 */
export function problemSentence(path: string, words: string): string {
  const said = words.trim();
  if (!/^(is|are|must|may|can|cannot|does|has|needs)\b/.test(said)) return sentence(said);
  const parts = fieldPath(path).split(".");
  const [last = "", before = ""] = parts.toReversed();
  if (/^\d+$/.test(last)) return sentence(`this ${singular[before] ?? "entry"} ${said}`);
  const one = singular[last];
  if (one !== undefined && said === "is required") return sentence(`at least one ${one} ${said}`);
  const name = fieldNames[parts.join(".")] ?? fieldNames[last] ?? last.replaceAll("_", " ");
  return sentence(`the ${name} ${said}`);
}

/** `client.scopes[0].displayName` and `client.scopes.0.display_name` are one path. */
export function fieldPath(path: string): string {
  return path
    .replaceAll(/\[["']?([^\]"']+)["']?\]/g, ".$1")
    .replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The one function that turns an error into words. */
export function explain(error: unknown): Fault {
  const cause = ConnectError.from(error);
  const info = cause.findDetails(ErrorInfoSchema)[0];
  const kind = info?.reason === "OTHER_PERSON" ? "other-person" : kindOf(cause);
  const retry = cause.findDetails(RetryInfoSchema)[0]?.retryDelay;
  const retryAfter =
    retry === undefined ? undefined : Number(retry.seconds) + Math.ceil(retry.nanos / 1e9);
  const fields: Record<string, string> = {};
  for (const violation of cause.findDetails(BadRequestSchema).flatMap((d) => d.fieldViolations)) {
    const path = fieldPath(violation.field);
    // A field may break several rules: the first is enough to begin with.
    fields[path] ??= problemSentence(path, violation.description);
  }
  const violations = cause
    .findDetails(PreconditionFailureSchema)
    .flatMap((detail) => detail.violations)
    .map(({ type, subject, description }) => ({ type, subject, description }));
  return {
    kind,
    title: titles[kind],
    message: messageOf(kind, cause, fields, violations, retryAfter),
    reason: info?.reason,
    fields,
    violations,
    retryAfter,
    requestId:
      cause.findDetails(RequestInfoSchema)[0]?.requestId ??
      cause.metadata.get("x-request-id") ??
      undefined,
  };
}

/** Whether the page is no longer that of whoever is signed in: the session's gate then says so. */
export function isOfTheSession(error: unknown): boolean {
  const { kind } = explain(error);
  return kind === "signed-out" || kind === "other-person";
}

/** Whether the same call may succeed a moment later without anybody doing anything. */
export function isTransient(error: unknown): boolean {
  const { kind } = explain(error);
  return kind === "busy" || kind === "unreachable";
}

function kindOf(error: ConnectError): FaultKind {
  switch (error.code) {
    case Code.Unauthenticated:
      return "signed-out";
    case Code.PermissionDenied:
      return "denied";
    case Code.NotFound:
      return "absent";
    case Code.Aborted:
      return "changed";
    case Code.InvalidArgument:
    case Code.OutOfRange:
      return "invalid";
    case Code.AlreadyExists:
      return "exists";
    case Code.FailedPrecondition:
      return "precondition";
    case Code.ResourceExhausted:
      return "busy";
    case Code.Unavailable:
    case Code.DeadlineExceeded:
      return "unreachable";
    case Code.Canceled:
      return "cancelled";
    case Code.Unknown:
      // The browser says the same of a dead server, a reset, a redirect and a refusal by policy.
      return isFetchFailure(error) ? "unreachable" : "defect";
    case Code.Unimplemented:
    case Code.Internal:
    case Code.DataLoss:
      return "defect";
    default:
      return "defect";
  }
}

function isFetchFailure(error: ConnectError): boolean {
  // By the browsers' words: any other TypeError is a defect of the page.
  return /failed to fetch|networkerror|load failed|network error|fetch failed/i.test(
    error.rawMessage,
  );
}

function messageOf(
  kind: FaultKind,
  error: ConnectError,
  fields: Readonly<Record<string, string>>,
  violations: readonly Violation[],
  retryAfter: number | undefined,
): string {
  const said = sentence(error.rawMessage);
  switch (kind) {
    case "signed-out":
      return "Your session has ended, or this browser has none. Sign in and come back to this page.";
    case "other-person":
      return "All tabs of a browser share one session, and it is another person's now. Nothing was done. Load the page again.";
    case "denied":
      return said === "" || /^not allowed\.?$/i.test(said)
        ? "Your teams and roles do not allow this. Ask a member of the owning team or a platform admin."
        : said;
    case "absent":
      return said === ""
        ? "What you asked for does not exist, or belongs to a team you are not in."
        : said;
    case "changed":
      return "Somebody changed this after you opened the page. Load it again to see the change, then decide.";
    case "invalid":
      return Object.keys(fields).length > 0 ? Object.values(fields).join(" ") : said;
    case "precondition":
      return violations.length > 0
        ? violations.map((violation) => sentence(violation.description)).join(" ")
        : said;
    case "busy":
      return retryAfter === undefined
        ? "Too many calls at the moment. Wait a little, then try again."
        : `Too many calls at the moment. Try again in ${retryAfter} ${retryAfter === 1 ? "second" : "seconds"}.`;
    case "unreachable":
      return "Turnpike may be restarting, or your network is down. Nothing is known to have changed; try again.";
    case "cancelled":
      return "The call was ended before an answer came.";
    case "exists":
      return said;
    case "defect":
      return "This is a defect and has been logged. If it stays, report it with the request id.";
  }
}
