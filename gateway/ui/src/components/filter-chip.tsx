import { CloseButton } from "@mantine/core";
import { useSetSearch } from "./list-page";
import classes from "./filter-chip.module.css";

/** A filter that came with a link; it can be taken away, not typed. */
export function FilterChip({
  name,
  label,
  value,
}: {
  name: string;
  label: string;
  value: string | undefined;
}) {
  const setSearch = useSetSearch();
  if (value === undefined) return null;
  return (
    <span className={classes.chip}>
      {label}: <code>{value}</code>
      <CloseButton
        size="xs"
        aria-label={`Remove the filter ${label.toLowerCase()}`}
        onClick={() => setSearch({ [name]: undefined })}
      />
    </span>
  );
}
