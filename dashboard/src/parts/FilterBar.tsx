import type { ReactNode } from "react";
import classes from "./FilterBar.module.css";

/** Filters above a list: in a row, on a phone in two columns. */
export function FilterBar({ children }: { children: ReactNode }) {
  return (
    <div className={classes.bar} role="search">
      {children}
    </div>
  );
}
