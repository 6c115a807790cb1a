import { timestampDate, timestampFromDate, type Timestamp } from "@bufbuild/protobuf/wkt";

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const minutes = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

const units = [
  { unit: "year", seconds: 365 * 86_400 },
  { unit: "month", seconds: 30 * 86_400 },
  { unit: "day", seconds: 86_400 },
  { unit: "hour", seconds: 3_600 },
  { unit: "minute", seconds: 60 },
] as const;

/** Clocks differ by so many seconds, and the end of tokens is kept a second ahead: that is now. */
const skew = 5;

/** "3 days ago", "in 2 months", "just now": rounded, in the largest unit of which there is one. */
export function fromNow(date: Date, now: Date = new Date()): string {
  const seconds = (date.getTime() - now.getTime()) / 1000;
  for (const [index, { unit, seconds: length }] of units.entries()) {
    // 59 minutes and 40 seconds are an hour, not 60 minutes.
    const finer = units[index + 1]?.seconds ?? 1;
    const distance = Math.abs(seconds);
    if (distance >= length || Math.round(distance / finer) * finer >= length) {
      return relative.format(Math.round(seconds / length), unit);
    }
  }
  return seconds > skew ? "in a moment" : "just now";
}

/** The moment in full, in the reader's time zone. */
export function inFull(date: Date): string {
  return exact.format(date);
}

/** As exact as an end needs it. */
export function toTheMinute(date: Date): string {
  return minutes.format(date);
}

export function toDate(timestamp: Timestamp | undefined): Date | undefined {
  return timestamp === undefined ? undefined : timestampDate(timestamp);
}

/** Milliseconds only: the contract refuses finer times. */
export function toTimestamp(date: Date): Timestamp {
  return timestampFromDate(date);
}

/** "1 hour", "15 minutes", "90 seconds": the largest unit that divides it. */
export function durationInWords(seconds: number): string {
  const { amount, unit } = splitDuration(seconds);
  return `${amount} ${amount === 1 ? unit.slice(0, -1) : unit}`;
}

export type DurationUnit = "seconds" | "minutes" | "hours" | "days";
export const secondsPer: Record<DurationUnit, number> = {
  seconds: 1,
  minutes: 60,
  hours: 3_600,
  days: 86_400,
};

export function splitDuration(seconds: number): { amount: number; unit: DurationUnit } {
  for (const unit of ["days", "hours", "minutes"] as const) {
    if (seconds > 0 && seconds % secondsPer[unit] === 0) {
      return { amount: seconds / secondsPer[unit], unit };
    }
  }
  return { amount: seconds, unit: "seconds" };
}

/** The last minute of the day that many days from now, as a field for local time takes it. */
export function endOfDayIn(days: number, now: Date = new Date()): string {
  const last = new Date(now.getFullYear(), now.getMonth(), now.getDate() + days);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${last.getFullYear()}-${two(last.getMonth() + 1)}-${two(last.getDate())}T23:59`;
}
