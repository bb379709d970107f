import { Button } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import { plural } from "../../format/number";
import { Empty } from "../../parts/Empty";
import { IconTerminal2 } from "../../parts/icons";
import classes from "./Console.module.css";
import { Line } from "./Line";
import type { LogLine } from "./lines";

interface Props {
  appId: string;
  lines: LogLine[];
  /** How many there are without the filter. */
  all: number;
  /** What came while somebody reads further down. */
  waiting: number;
  onReading: (reading: boolean) => void;
  mayResend: boolean;
}

const READING_PX = 60;

/** The lines, newest on top. Whoever scrolls down reads: new lines wait, so that nothing moves. */
export function LineList({ appId, lines, all, waiting, onReading, mayResend }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState<string | null>(null);
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => frame.current,
    estimateSize: () => 37,
    getItemKey: (index) => lines[index]?.id ?? index,
    overscan: 15,
  });
  const [scrolled, setScrolled] = useState(false);
  useEffect(() => onReading(scrolled || open !== null), [scrolled, open, onReading]);
  const toTop = () => {
    setOpen(null);
    frame.current?.scrollTo({ top: 0 });
  };
  return (
    <div ref={frame} className={classes.list} tabIndex={0} role="region" aria-label="Lines of the console" onScroll={(event) => setScrolled(event.currentTarget.scrollTop > READING_PX)}>
      {waiting > 0 && (
        <div className={classes.fresh}>
          <Button size="compact-sm" radius="xl" onClick={toTop}>
            {plural(waiting, "new line")}: show
          </Button>
        </div>
      )}
      {lines.length === 0 && <Nothing filtered={all > 0} />}
      <ol className={classes.rows} style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map((item) => {
          const line = lines[item.index] as LogLine;
          return (
            <li key={item.key} data-index={item.index} ref={virtualizer.measureElement} className={classes.row} style={{ transform: `translateY(${item.start}px)` }}>
              <Line appId={appId} line={line} open={open === line.id} onToggle={() => setOpen(open === line.id ? null : line.id)} mayResend={mayResend} />
            </li>
          );
        })}
      </ol>
    </div>
  );
}

function Nothing({ filtered }: { filtered: boolean }) {
  if (filtered) {
    return (
      <Empty icon={IconTerminal2} title="No line passes the filters">
        Lines come, but none that you asked for: loosen the filters.
      </Empty>
    );
  }
  return (
    <Empty icon={IconTerminal2} title="Waiting for something to happen">
      Open your page, or send an event with the event creator: it appears here at once.
    </Empty>
  );
}
