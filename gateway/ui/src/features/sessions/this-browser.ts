import { timestampMs, type Timestamp } from "@bufbuild/protobuf/wkt";
import { SessionState, type BrowserSession } from "~/api";

/**
 * The session of this browser: nothing names it, but the gateway says when it ends, to the millisecond. Undefined if two
 * end then.
 */
export function thisBrowser(
  sessions: readonly Pick<BrowserSession, "sessionId" | "state" | "expireTime">[],
  expireTime: Timestamp | undefined,
): string | undefined {
  if (expireTime === undefined) return undefined;
  const [first, ...more] = sessions.filter(
    (one) => one.state === SessionState.LIVE && isSame(one.expireTime, expireTime),
  );
  return more.length === 0 ? first?.sessionId : undefined;
}

const isSame = (a: Timestamp | undefined, b: Timestamp) =>
  a !== undefined && timestampMs(a) === timestampMs(b);
