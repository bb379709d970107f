import { Group, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./Panel.module.css";

interface Props {
  title?: string;
  lead?: ReactNode;
  actions?: ReactNode;
  danger?: boolean;
  children: ReactNode;
}

/** A part of a page with a border of its own. */
export function Panel({ title, lead, actions, danger, children }: Props) {
  return (
    <section className={danger ? classes.danger : classes.panel}>
      {(title || actions) && (
        <Group justify="space-between" className={classes.head} gap="sm">
          <div>
            {title && (
              <Title order={2} fz="md">
                {title}
              </Title>
            )}
            {lead && (
              <Text size="sm" c="dimmed" mt={2} component="div">
                {lead}
              </Text>
            )}
          </div>
          {actions}
        </Group>
      )}
      <div className={classes.body}>{children}</div>
    </section>
  );
}
