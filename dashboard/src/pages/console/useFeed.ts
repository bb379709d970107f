import { useEffect, useRef, useState } from "react";
import { address, api } from "../../api/client";
import type { LogLine } from "./lines";
import { Ring } from "./ring";

export type FeedState = "connecting" | "open" | "lost";

export interface Sampled {
  shown: number;
  left_out: number;
}

export interface Feed {
  lines: readonly LogLine[];
  waiting: number;
  dropped: number;
  state: FeedState;
  sampled: Sampled | null;
  clear: () => void;
}

const TICK_MS = 100;
const SAMPLED_FOR_MS = 5000;
const AGAIN_MS = 3000;

/** The console's stream: one for the page, whatever is filtered; it reconnects by itself. */
export function useFeed(appId: string, perSecond: number, held: boolean): Feed {
  const ring = useRef(new Ring());
  const [state, setState] = useState<FeedState>("connecting");
  const [sampled, setSampled] = useState<Sampled | null>(null);
  const [view, setView] = useState<Pick<Feed, "lines" | "waiting" | "dropped">>({ lines: [], waiting: 0, dropped: 0 });

  useEffect(() => {
    ring.current = new Ring();
    return listen(appId, {
      line: (line) => ring.current.take(line),
      state: setState,
      sampled: setSampled,
    });
  }, [appId]);

  useEffect(() => {
    const timer = setInterval(() => {
      const { current } = ring;
      if (!held) current.drain(TICK_MS / 1000, perSecond);
      setView((before) => viewed(before, current));
    }, TICK_MS);
    return () => clearInterval(timer);
  }, [held, perSecond]);

  const clear = () => {
    ring.current.clear();
    setView({ lines: [], waiting: 0, dropped: 0 });
  };
  return { ...view, state, sampled, clear };
}

/** The same object if nothing changed, so that nothing is drawn. */
function viewed<T extends Pick<Feed, "lines" | "waiting" | "dropped">>(before: T, ring: Ring) {
  const now = { lines: ring.shown, waiting: ring.waiting.length, dropped: ring.dropped };
  const same = before.lines === now.lines && before.waiting === now.waiting && before.dropped === now.dropped;
  return same ? before : now;
}

interface Ears {
  line: (line: LogLine) => void;
  state: (state: FeedState) => void;
  sampled: (sampled: Sampled | null) => void;
}

/** Browsers try a broken stream again, but not one that was refused, as by a proxy without its server. */
function listen(appId: string, ears: Ears): () => void {
  let hush: (() => void) | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;
  const begin = () => {
    hush = hear(appId, ears, () => {
      void api.read(["session"]).catch(() => {});
      again = setTimeout(begin, AGAIN_MS);
    });
  };
  begin();
  return () => {
    clearTimeout(again);
    hush?.();
  };
}

function hear(appId: string, ears: Ears, refused: () => void): () => void {
  const source = new EventSource(address(["apps", appId, "console"]));
  let calm: ReturnType<typeof setTimeout> | undefined;
  source.addEventListener("open", () => ears.state("open"));
  source.addEventListener("error", () => {
    ears.state("lost");
    if (source.readyState === EventSource.CLOSED) refused();
  });
  source.addEventListener("message", (event) => ears.line(JSON.parse(event.data) as LogLine));
  source.addEventListener("sampled", (event) => {
    ears.sampled(JSON.parse(event.data) as Sampled);
    clearTimeout(calm);
    calm = setTimeout(() => ears.sampled(null), SAMPLED_FOR_MS);
  });
  return () => {
    clearTimeout(calm);
    source.close();
  };
}
