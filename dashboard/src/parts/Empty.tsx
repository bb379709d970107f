import { Stack, Text } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";

interface Props {
  icon: Icon;
  title: string;
  /** What to do next. */
  children?: ReactNode;
}

export function Empty({ icon: Picture, title, children }: Props) {
  return (
    <Stack align="center" gap="xs" py={56} px="md" ta="center">
      <Picture size={36} stroke={1.4} color="var(--mantine-color-dimmed)" aria-hidden />
      <Text fw={600}>{title}</Text>
      {children && (
        <Text c="dimmed" size="sm" maw={460} component="div">
          {children}
        </Text>
      )}
    </Stack>
  );
}
