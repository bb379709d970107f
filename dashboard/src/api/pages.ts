import { type InfiniteData, keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, type Params } from "./client";

const PAGE = 100;

interface Cursored {
  next_cursor: string | null;
  total?: number;
  missing_nodes?: string[];
}

export interface Listing<T> {
  rows: T[];
  total: number | null;
  /** Nodes that did not answer: what they have is neither shown nor counted. */
  missingNodes: string[];
  isLoading: boolean;
  isFetchingMore: boolean;
  hasMore: boolean;
  error: unknown;
  more: () => void;
}

/**
 * A list that the server gives page by page; `field` is where the rows stand in the answer. With
 * `limit: null` the server says how long a page is.
 */
export function useListing<T>(
  key: readonly unknown[],
  parts: readonly string[],
  field: string,
  params: Params = {},
  refreshMs: number | false = false,
): Listing<T> {
  type Page = Cursored & Record<string, unknown>;
  const query = useInfiniteQuery({
    queryKey: [...key, params],
    queryFn: ({ pageParam, signal }) =>
      api.read<Page>(parts, { limit: PAGE, ...params, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    // Only the first page stays fresh by itself: whoever has scrolled on is reading.
    refetchInterval: (q) => ((q.state.data?.pages.length ?? 0) <= 1 ? refreshMs : false),
  });
  const rows = useMemo(() => rowsOf<T>(query.data, field), [query.data, field]);
  return {
    rows,
    total: query.data?.pages[0]?.total ?? null,
    missingNodes: missingOf(query.data?.pages ?? []),
    isLoading: query.isPending,
    isFetchingMore: query.isFetchingNextPage,
    hasMore: query.hasNextPage,
    error: query.data ? null : query.error,
    more: () => {
      if (query.hasNextPage && !query.isFetchingNextPage) void query.fetchNextPage();
    },
  };
}

/** Those that were silent for any of the pages, each once. */
export function missingOf(pages: readonly { missing_nodes?: string[] }[]): string[] {
  return [...new Set(pages.flatMap((page) => page.missing_nodes ?? []))].toSorted();
}

function rowsOf<T>(data: InfiniteData<Record<string, unknown>> | undefined, field: string): T[] {
  return data?.pages.flatMap((page) => (page[field] ?? []) as T[]) ?? [];
}
