import type { ReactNode } from "react";
import classes from "./Status.module.css";

export type Tone = "good" | "bad" | "warn" | "idle" | "info";

/** A state in a word, with a dot: colour alone says nothing. */
export function Status({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className={classes.status} data-tone={tone}>
      {children}
    </span>
  );
}

/** A kind or a name in a small frame. */
export function Tag({ children, mono }: { children: ReactNode; mono?: boolean }) {
  return <span className={mono ? `${classes.tag} mono` : classes.tag}>{children}</span>;
}
