import { Skeleton, Stack } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Trouble } from "./Trouble";

interface Props<T> {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
}

/** What a question's answer looks like: bones while it is under way, a sentence if it was refused. */
export function Loaded<T>({ query, children }: Props<T>) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.isError) return <Trouble error={query.error} retry={() => void query.refetch()} />;
  return <Bones />;
}

export function Bones({ rows = 4 }: { rows?: number }) {
  return (
    <Stack gap="sm" aria-hidden data-testid="bones">
      {Array.from({ length: rows }, (_, i) => (
        <Skeleton key={i} height={i === 0 ? 28 : 44} width={i === 0 ? "40%" : "100%"} />
      ))}
    </Stack>
  );
}
