import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import classes from "./VirtualTable.module.css";

export interface Column<T> {
  key: string;
  header: string;
  /** A track of a CSS grid. */
  width: string;
  render: (row: T) => ReactNode;
  right?: boolean;
  /** Left out where the screen is narrow. */
  wideOnly?: boolean;
}

interface Props<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  /** Asked for when the end comes into sight. */
  more?: () => void;
  rowHeight?: number;
}

/** A list of any length: only the rows in sight are on the page, which scrolls as a whole. */
export function VirtualTable<T>({ label, columns, rows, rowKey, more, rowHeight = 49 }: Props<T>) {
  const body = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  // After every change of the page: what stands above may have grown. It settles at once.
  // oxlint-disable-next-line react-hooks/exhaustive-deps
  useLayoutEffect(() => {
    const now = (body.current?.getBoundingClientRect().top ?? 0) + window.scrollY;
    if (Math.abs(now - top) > 1) setTop(now);
  });
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin: top,
    getItemKey: (index) => rowKey(rows[index] as T),
  });
  const items = virtualizer.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (last >= rows.length - 20) more?.();
  }, [last, rows.length, more]);
  const template = { gridTemplateColumns: columns.map((column) => column.width).join(" ") };
  return (
    <div className={classes.table} role="table" aria-label={label} aria-rowcount={rows.length + 1}>
      <div role="rowgroup" className={classes.head}>
        <div role="row" className={classes.row} style={template} aria-rowindex={1}>
          {columns.map((column) => (
            <div key={column.key} role="columnheader" className={cell(column)}>
              {column.header}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" ref={body} className={classes.body} style={{ height: virtualizer.getTotalSize() }}>
        {items.map((item) => (
          <div
            key={item.key}
            role="row"
            aria-rowindex={item.index + 2}
            data-index={item.index}
            ref={virtualizer.measureElement}
            className={classes.line}
            style={{ ...template, transform: `translateY(${item.start - top}px)` }}
            onKeyDown={walk}
          >
            {columns.map((column) => (
              <div key={column.key} role="cell" className={cell(column)} data-label={column.header}>
                {column.render(rows[item.index] as T)}
              </div>
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}

const cell = (column: { right?: boolean; wideOnly?: boolean }) =>
  [classes.cell, column.right && classes.right, column.wideOnly && classes.wideOnly].filter(Boolean).join(" ");

/** The arrows go from a row's link to the next row's. */
function walk(event: KeyboardEvent<HTMLElement>) {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0 || !(event.target instanceof HTMLAnchorElement)) return;
  const index = Number(event.currentTarget.dataset.index) + step;
  const next = event.currentTarget.parentElement?.querySelector<HTMLElement>(`[data-index="${index}"] a`);
  if (!next) return;
  event.preventDefault();
  next.focus();
}
