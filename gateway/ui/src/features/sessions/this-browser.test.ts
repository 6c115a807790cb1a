import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, it } from "vitest";
import { SessionState } from "~/api";
import { thisBrowser } from "./this-browser";

const one = (sessionId: string, ends: number, state = SessionState.LIVE) => ({
  sessionId,
  state,
  expireTime: timestampFromMs(ends),
});
const end = timestampFromMs(1_800_000_000_500);

it("is the live one that ends when this browser's does", () => {
  const sessions = [
    one("a", 1_800_000_000_499),
    one("b", 1_800_000_000_500),
    one("c", 1_800_000_000_500, SessionState.SIGNED_OUT),
  ];
  expect(thisBrowser(sessions, end)).toBe("b");
});

it("is none where that does not tell", () => {
  const twins = [one("a", 1_800_000_000_500), one("b", 1_800_000_000_500)];
  expect(thisBrowser(twins, end)).toBeUndefined();
  expect(thisBrowser(twins, undefined)).toBeUndefined();
  expect(thisBrowser([], end)).toBeUndefined();
});
