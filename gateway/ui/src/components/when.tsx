import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { useTick } from "~/lib/tick";
import { fromNow, inFull, toDate } from "~/lib/time";

/** A moment as people say it, the exact time in its title; `absent` where there is none. */
export function When({ time, absent = "never" }: { time: Timestamp | undefined; absent?: string }) {
  useTick();
  const date = toDate(time);
  if (date === undefined) return <span>{absent}</span>;
  return (
    <time dateTime={date.toISOString()} title={inFull(date)}>
      {fromNow(date)}
    </time>
  );
}
