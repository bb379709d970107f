import { Text } from "@mantine/core";
import type { ReactNode } from "react";
import type { Listing } from "../api/pages";
import { count } from "../format/number";
import { Bones } from "./Loaded";
import { Trouble } from "./Trouble";
import { type Column, VirtualTable } from "./VirtualTable";

interface Props<T> {
  label: string;
  listing: Listing<T>;
  columns: Column<T>[];
  rowKey: (row: T) => string;
  /** Shown when there is nothing. */
  empty: ReactNode;
}

/** A list that comes page by page, in a table. */
export function Listed<T>({ label, listing, columns, rowKey, empty }: Props<T>) {
  if (listing.error) return <Trouble error={listing.error} />;
  if (listing.isLoading) return <Bones rows={6} />;
  if (listing.rows.length === 0) return <>{empty}</>;
  return (
    <>
      <VirtualTable label={label} columns={columns} rows={listing.rows} rowKey={rowKey} more={listing.more} />
      <Text size="sm" c="dimmed" mt="sm" aria-live="polite">
        {footer(listing)}
      </Text>
    </>
  );
}

function footer({ rows, total, hasMore, isFetchingMore }: Listing<unknown>): string {
  if (isFetchingMore) return `${count(rows.length)} shown, loading more …`;
  if (total !== null) return `${count(rows.length)} of ${count(total)} shown`;
  return hasMore ? `${count(rows.length)} shown; scroll for more` : `${count(rows.length)} shown, that is all`;
}
