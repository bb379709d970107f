import { Group, Text, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";
import classes from "./Page.module.css";

interface Props {
  title: string;
  /** What the page is for, in a sentence. */
  lead?: ReactNode;
  actions?: ReactNode;
  back?: ReactNode;
  /** For the window's title, where `title` is not enough. */
  name?: string;
  /** All of the window's width. */
  wide?: boolean;
  children: ReactNode;
}

export function Page({ title, lead, actions, back, name, wide, children }: Props) {
  useEffect(() => {
    document.title = `${name ?? title} · Bellwire`;
  }, [name, title]);
  return (
    <div className={wide ? classes.wide : classes.page}>
      {back}
      <Group justify="space-between" align="flex-start" gap="sm" mb="lg" wrap="wrap">
        <div className={classes.head}>
          <Title order={1} className={classes.title}>
            {title}
          </Title>
          {lead && (
            <Text c="dimmed" size="sm" mt={4} component="div" maw={680}>
              {lead}
            </Text>
          )}
        </div>
        {actions && (
          <Group gap="xs" className={classes.actions}>
            {actions}
          </Group>
        )}
      </Group>
      {children}
    </div>
  );
}
