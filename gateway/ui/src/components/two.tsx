import type { ReactNode } from "react";
import classes from "./two.module.css";

/** Two lines of a table's cell: what it is, and quieter, what else is known. */
export function Two({ first, second }: { first: ReactNode; second: ReactNode }) {
  return (
    <div className={classes.two}>
      <div>{first}</div>
      <div className={classes.second}>{second}</div>
    </div>
  );
}
