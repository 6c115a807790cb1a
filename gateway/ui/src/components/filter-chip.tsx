import { CloseButton } from "@mantine/core";
import type { ReactNode } from "react";
import { useSetSearch } from "./list-page";
import classes from "./filter-chip.module.css";

/** A filter that came with a link; it can be taken away, not typed. */
export function FilterChip({
  name,
  label,
  value,
  called,
}: {
  name: string;
  label: string;
  value: string | undefined;
  /** What people call what has that key. */
  called?: (value: string) => ReactNode;
}) {
  const setSearch = useSetSearch();
  if (value === undefined) return null;
  return (
    <span className={classes.chip}>
      {label}: {called === undefined ? <code>{value}</code> : <span>{called(value)}</span>}
      <CloseButton
        size="xs"
        aria-label={`Remove the filter ${label.toLowerCase()}`}
        onClick={() => setSearch({ [name]: undefined })}
      />
    </span>
  );
}
