import { Paper, Stack, Text, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";
import { Mark } from "../../shell/Mark";
import classes from "./Door.module.css";

/** The frame of the pages before the sign-in. */
export function Door({ title, lead, children }: { title: string; lead?: ReactNode; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Bellwire`;
  }, [title]);
  return (
    <main className={classes.door}>
      <Stack gap="lg" className={classes.column}>
        <Mark size={44} />
        <div>
          <Title order={1} fz="1.6rem">
            {title}
          </Title>
          {lead && (
            <Text c="dimmed" mt={6} component="div">
              {lead}
            </Text>
          )}
        </div>
        <Paper p="xl" radius="lg" className={classes.card}>
          {children}
        </Paper>
      </Stack>
    </main>
  );
}
