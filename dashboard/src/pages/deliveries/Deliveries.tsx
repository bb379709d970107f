import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { getRouteApi } from "@tanstack/react-router";
import { useApp } from "../../api/apps";
import { useWebhooks } from "../../api/webhooks";
import { may } from "../../format/role";
import { utcOfLocal } from "../../format/moment";
import { IconRotateClockwise2 } from "../../parts/icons";
import { Page } from "../../parts/Page";
import { useFilters } from "../../parts/useFilters";
import { ReplayModal } from "../replays/ReplayModal";
import { DeliveryFilters } from "./DeliveryFilters";
import { DeliveryTable } from "./DeliveryTable";

const route = getRouteApi("/inside/apps/$appId");

export default function Deliveries() {
  const { appId } = route.useParams();
  const app = useApp(appId).data;
  const webhooks = useWebhooks(appId).data ?? [];
  const [filters, setFilters] = useFilters();
  const [replaying, { open, close }] = useDisclosure(false);
  const replay = may(app?.role, "developer") && webhooks.length > 0 && (
    <Button variant="default" leftSection={<IconRotateClockwise2 size={16} />} onClick={open}>
      Replay many
    </Button>
  );
  return (
    <Page title="Deliveries" lead="Every request to your webhooks: what was sent, each attempt, and what came back." actions={replay}>
      <DeliveryFilters filters={filters} webhooks={webhooks} onChange={setFilters} />
      <DeliveryTable
        appId={appId}
        filter={{
          status: filters.status,
          event: filters.event,
          channel: filters.channel,
          endpoint: filters.endpoint,
          from: utcOfLocal(filters.from),
          to: utcOfLocal(filters.to),
        }}
      />
      <ReplayModal appId={appId} webhook={webhooks.find((w) => w.id === filters.endpoint)} webhooks={webhooks} opened={replaying} onClose={close} />
    </Page>
  );
}
