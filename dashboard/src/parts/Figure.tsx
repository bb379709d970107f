import { Text } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./Figure.module.css";

interface Props {
  label: string;
  value: ReactNode;
  unit?: string;
  hint?: ReactNode;
}

/** One number with its name and unit. */
export function Figure({ label, value, unit, hint }: Props) {
  return (
    <div className={classes.figure}>
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <div className={classes.value}>
        {value}
        {unit && <span className={classes.unit}>{unit}</span>}
      </div>
      {hint && (
        <Text size="xs" c="dimmed" component="div" mt={4}>
          {hint}
        </Text>
      )}
    </div>
  );
}

export function Figures({ children }: { children: ReactNode }) {
  return <div className={classes.figures}>{children}</div>;
}
