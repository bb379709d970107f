import { Alert } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { useApp } from "../../api/apps";
import { count } from "../../format/number";
import { may } from "../../format/role";
import { Page } from "../../parts/Page";
import { Panel } from "../../parts/Panel";
import { useFilters } from "../../parts/useFilters";
import { ConnectCheck } from "./ConnectCheck";
import classes from "./Console.module.css";
import { Controls, SPEEDS } from "./Controls";
import { LineList } from "./LineList";
import { ALL_TYPES, type LineFilter, type LineType, matches } from "./lines";
import { MostFrequent } from "./MostFrequent";
import { TypeFilter } from "./TypeFilter";
import { type Feed, useFeed } from "./useFeed";

const route = getRouteApi("/inside/apps/$appId");

export default function Console() {
  const { appId } = route.useParams();
  const app = useApp(appId).data;
  const [paused, setPaused] = useState(false);
  const [reading, setReading] = useState(false);
  const [speed, setSpeed] = useState(SPEEDS.length - 1);
  const feed = useFeed(appId, SPEEDS[speed]?.perSecond ?? Infinity, paused || reading);
  const { filter, setTypes, setText, setChannel } = useLineFilter();
  const lines = useMemo(() => feed.lines.filter((line) => matches(line, filter)), [feed.lines, filter]);
  return (
    <Page wide title="Debug console" lead="What happens in this app, as it happens. Nothing is kept: it is shown while you look.">
      {app?.key && <ConnectCheck appKey={app.key} />}
      <Notices feed={feed} />
      <div className={classes.columns}>
        <div className={classes.main}>
          <Controls
            feed={feed}
            paused={paused}
            onPaused={setPaused}
            speed={speed}
            onSpeed={setSpeed}
            text={filter.text}
            onText={setText}
            channel={filter.channel}
            onChannel={setChannel}
          />
          <LineList appId={appId} lines={lines} all={feed.lines.length} waiting={reading ? feed.waiting : 0} onReading={setReading} mayResend={may(app?.role, "developer")} />
        </div>
        <aside className={classes.aside} aria-label="Filters">
          <Panel title="Types">
            <TypeFilter types={filter.types} onChange={setTypes} />
          </Panel>
          <Panel title="Most frequent">
            <MostFrequent lines={feed.lines} onChannel={setChannel} onText={setText} />
          </Panel>
        </aside>
      </div>
    </Page>
  );
}

/** In the address, so that a filtered console can be linked; there, only the types left out are named. */
function useLineFilter() {
  const [filters, setFilters] = useFilters();
  const { text = "", channel = "", hide = "" } = filters;
  const filter: LineFilter = useMemo(() => {
    const hidden = new Set(hide.split(","));
    return { types: new Set(ALL_TYPES.filter((type) => !hidden.has(type))), channel, text };
  }, [text, channel, hide]);
  const setTypes = useCallback(
    (types: ReadonlySet<LineType>) => setFilters({ hide: ALL_TYPES.filter((type) => !types.has(type)).join(",") }),
    [setFilters],
  );
  const setText = useCallback((said: string) => setFilters({ text: said }), [setFilters]);
  const setChannel = useCallback((said: string) => setFilters({ channel: said }), [setFilters]);
  return { filter, setTypes, setText, setChannel };
}

function Notices({ feed }: { feed: Feed }) {
  return (
    <>
      {feed.state === "lost" && (
        <Alert color="orange" mb="sm" role="status">
          The stream broke; the browser connects again by itself. What happened meanwhile may be missing.
        </Alert>
      )}
      {feed.sampled && (
        <Alert color="blue" mb="sm" role="status">
          This app is busy: {count(feed.sampled.shown)} lines are shown and {count(feed.sampled.left_out)} left out in the last moment.
        </Alert>
      )}
      {feed.dropped > 0 && (
        <Alert color="orange" mb="sm" role="status">
          More came than this page keeps: {count(feed.dropped)} lines were dropped unseen.
        </Alert>
      )}
    </>
  );
}
