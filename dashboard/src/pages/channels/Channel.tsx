import { Stack, Text } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { type ChannelDetail, useChannel } from "../../api/live";
import { seconds } from "../../format/duration";
import { bytes, count } from "../../format/number";
import { pretty } from "../../format/json";
import { BackLink } from "../../parts/BackLink";
import { Code } from "../../parts/Code";
import { Figure, Figures } from "../../parts/Figure";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { Panel } from "../../parts/Panel";
import { Members } from "./Members";

const route = getRouteApi("/inside/apps/$appId/channels/$channel");

export default function Channel() {
  const { appId, channel } = route.useParams();
  const query = useChannel(appId, channel);
  return (
    <Page
      title={channel}
      back={
        <BackLink to="/apps/$appId/channels" params={{ appId }}>
          Channels
        </BackLink>
      }
    >
      <Loaded query={query}>
        {(detail) => (
          <Stack gap="md">
            <Numbers detail={detail} />
            {detail.cache && <Cached cache={detail.cache} />}
            {detail.users !== null && <Members appId={appId} channel={channel} />}
          </Stack>
        )}
      </Loaded>
    </Page>
  );
}

function Numbers({ detail }: { detail: ChannelDetail }) {
  return (
    <Figures>
      <Figure label="State" value={detail.occupied ? "Occupied" : "Vacant"} hint={detail.occupied ? undefined : "Nobody subscribes now"} />
      <Figure label="Kind" value={detail.kind} />
      <Figure label="Subscriptions" value={count(detail.subscriptions)} unit="now" />
      {detail.users !== null && <Figure label="Users" value={count(detail.users)} unit="now" />}
    </Figures>
  );
}

function Cached({ cache }: { cache: NonNullable<ChannelDetail["cache"]> }) {
  const left = cache.expires_in_s === null ? "kept until the next one" : `kept for ${seconds(cache.expires_in_s)} more`;
  return (
    <Panel title="Cached event" lead={`${cache.event}, ${bytes(cache.bytes)}, ${left}. Whoever subscribes gets it at once.`}>
      {cache.data ? <Code text={pretty(cache.data)} copies={cache.data} label="cached event" /> : <Text size="sm">It has no data.</Text>}
    </Panel>
  );
}
