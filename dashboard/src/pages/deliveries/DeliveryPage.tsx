import { Anchor, Button, Stack } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useApp } from "../../api/apps";
import { type DeliveryDetail, useDelivery } from "../../api/deliveries";
import { useReplayDelivery } from "../../api/replays";
import { useWebhooks } from "../../api/webhooks";
import { curl } from "../../format/curl";
import { pretty } from "../../format/json";
import { may } from "../../format/role";
import { BackLink } from "../../parts/BackLink";
import { Code } from "../../parts/Code";
import { useCopy } from "../../parts/Copy";
import { IconRotateClockwise2, IconTerminal2 } from "../../parts/icons";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { Panel } from "../../parts/Panel";
import { ReplayProgress } from "../replays/ReplayProgress";
import { AttemptList } from "./AttemptList";
import { DeliveryFacts } from "./DeliveryFacts";

const route = getRouteApi("/inside/apps/$appId/deliveries/$id");

export default function DeliveryPage() {
  const { appId, id } = route.useParams();
  const query = useDelivery(appId, id);
  return (
    <Page
      title={query.data ? query.data.events.join(", ") || "Test" : "Delivery"}
      lead={<span className="mono">{id}</span>}
      back={
        <BackLink to="/apps/$appId/deliveries" params={{ appId }}>
          Deliveries
        </BackLink>
      }
    >
      <Loaded query={query}>{(delivery) => <Content appId={appId} delivery={delivery} />}</Loaded>
    </Page>
  );
}

function Content({ appId, delivery }: { appId: string; delivery: DeliveryDetail }) {
  const webhook = useWebhooks(appId).data?.find((w) => w.id === delivery.webhook_id);
  const head = delivery.attempts.at(-1)?.request_head;
  return (
    <Stack gap="md">
      <Again appId={appId} delivery={delivery} url={webhook?.url} />
      <Panel title="What it is">
        <DeliveryFacts
          appId={appId}
          delivery={delivery}
          url={
            <Anchor component={Link} to="/apps/$appId/webhooks/$id" params={{ appId, id: delivery.webhook_id } as never} inherit>
              {webhook?.url ?? delivery.webhook_id}
            </Anchor>
          }
        />
      </Panel>
      <Panel title="Attempts" lead={delivery.attempts.length === 0 ? "None yet." : undefined}>
        <AttemptList attempts={delivery.attempts} />
      </Panel>
      <Panel title="Request" lead="As it was sent; the values of your own headers are not shown.">
        <Stack gap="sm">
          {head && <Code text={head} label="request head" />}
          <Code text={pretty(delivery.request_body)} copies={delivery.request_body} label="request body" />
        </Stack>
      </Panel>
    </Stack>
  );
}

function Again({ appId, delivery, url }: { appId: string; delivery: DeliveryDetail; url: string | undefined }) {
  const app = useApp(appId).data;
  const replay = useReplayDelivery(appId);
  const { copied, copy } = useCopy();
  const head = delivery.attempts.at(-1)?.request_head ?? "";
  return (
    <Stack gap="sm">
      <div style={{ display: "flex", gap: 8, flexWrap: "wrap" }}>
        {may(app?.role, "developer") && (
          <Button leftSection={<IconRotateClockwise2 size={16} />} loading={replay.isPending} onClick={() => replay.mutate(delivery.id)} disabled={delivery.status === "pending"}>
            Replay
          </Button>
        )}
        {url && (
          <Button variant="default" leftSection={<IconTerminal2 size={16} />} onClick={() => void copy(curl(url, head, delivery.request_body))}>
            {copied ? "Copied" : "Copy as curl"}
          </Button>
        )}
      </div>
      <ReplayProgress appId={appId} started={replay.data} error={replay.error} />
    </Stack>
  );
}
