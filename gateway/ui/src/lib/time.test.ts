import { expect, it } from "vitest";
import { durationInWords, endOfDayIn, fromNow } from "./time";

const now = new Date("2026-11-22T12:00:00Z");

it.each([
  ["2026-11-22T11:59:40Z", "just now"],
  ["2026-11-22T11:57:00Z", "3 minutes ago"],
  ["2026-11-21T11:00:00Z", "yesterday"],
  ["2026-11-19T12:00:00Z", "3 days ago"],
  ["2026-12-25T12:00:00Z", "next month"],
  ["2027-11-30T12:00:00Z", "next year"],
  ["2026-11-22T12:00:20Z", "in a moment"],
  ["2026-11-22T12:00:01Z", "just now"],
  ["2026-11-22T19:59:00Z", "in 8 hours"],
  ["2026-11-22T12:59:40Z", "in 1 hour"],
  ["2026-11-22T11:00:20Z", "1 hour ago"],
  ["2026-11-22T12:29:40Z", "in 30 minutes"],
  ["2026-11-23T11:40:00Z", "tomorrow"],
  ["2026-11-24T01:00:00Z", "in 2 days"],
])("says %s as %s", (moment, words) => {
  expect(fromNow(new Date(moment), now)).toBe(words);
});

it.each([
  [300, "5 minutes"],
  [3600, "1 hour"],
  [86_400, "1 day"],
  [3599, "3599 seconds"],
])("says %i seconds as %s", (seconds, words) => {
  expect(durationInWords(seconds)).toBe(words);
});

it("ends a day at its last minute, over the end of a month and a year", () => {
  expect(endOfDayIn(30, new Date(2026, 11, 15, 9, 30))).toBe("2027-01-14T23:59");
  expect(endOfDayIn(0, new Date(2028, 1, 29))).toBe("2028-02-29T23:59");
});
