import { Skeleton } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./data-table.module.css";

export interface Column<Row> {
  readonly header: string;
  /** The first column should hold a link made with `rowLink`: the whole row then leads there. */
  readonly cell: (row: Row) => ReactNode;
  /** A CSS width, such as `20%`. */
  readonly width?: string;
  /** Left out where a row is a card. */
  readonly wideOnly?: boolean;
  /** Without its header's words there: what it says needs none. */
  readonly plain?: boolean;
  /** Whether its header is for screen readers only, as above buttons that say themselves what they do. */
  readonly headless?: boolean;
}

/** For the link in the first cell: stretches it over its row. */
export const rowLink = classes.rowLink ?? "";

/** A table where there is room for one, a stack of cards where there is not, as on a phone. */
export function DataTable<Row>({
  label,
  columns,
  rows,
  rowKey,
  busy = false,
}: {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** Older rows are shown while newer ones are on the way. */
  busy?: boolean;
}) {
  return (
    <div className={classes.room}>
      <table
        className={classes.table}
        aria-label={label}
        aria-busy={busy}
        data-busy={busy || undefined}
      >
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.header}
                scope="col"
                style={column.width === undefined ? {} : { width: column.width }}
              >
                {column.headless === true ? (
                  <span className="visually-hidden">{column.header}</span>
                ) : (
                  column.header
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column, index) => (
                <td
                  key={column.header}
                  data-label={index === 0 || column.plain === true ? undefined : column.header}
                  data-wide={column.wideOnly || undefined}
                >
                  <div>{column.cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Holds the place of a table that has not arrived yet. */
export function TableSkeleton({ rows = 6 }: { rows?: number }) {
  return (
    <div className={classes.skeleton} role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} height={18} width={`${92 - ((index * 17) % 40)}%`} />
      ))}
    </div>
  );
}
