import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { Text } from "@mantine/core";
import { useTick } from "~/lib/tick";
import { fromNow, inFull, toDate, toTheMinute } from "~/lib/time";

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

/** When something ends: nobody plans with "next month" alone, so the date stands beneath it. */
export function End({ time, absent }: { time: Timestamp | undefined; absent: string }) {
  const date = toDate(time);
  return (
    <>
      <When time={time} absent={absent} />
      {date !== undefined && (
        <Text size="sm" c="dimmed">
          {toTheMinute(date)}
        </Text>
      )}
    </>
  );
}
