import { Button, Stack } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { getRouteApi } from "@tanstack/react-router";
import { useApp } from "../../api/apps";
import { useHealths, useWebhooks } from "../../api/webhooks";
import { may } from "../../format/role";
import { Empty } from "../../parts/Empty";
import { IconPlus, IconWebhook } from "../../parts/icons";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { WebhookCard } from "./WebhookCard";
import { WebhookModal } from "./WebhookModal";

const route = getRouteApi("/inside/apps/$appId");

export default function Webhooks() {
  const { appId } = route.useParams();
  const app = useApp(appId).data;
  const query = useWebhooks(appId);
  const healths = useHealths(appId);
  const [adding, { open, close }] = useDisclosure(false);
  const add = may(app?.role, "developer") && (
    <Button leftSection={<IconPlus size={16} />} onClick={open}>
      Add webhook
    </Button>
  );
  return (
    <Page
      title="Webhooks"
      lead="Your server is told who came, who left and what clients said. Every delivery is kept, retried and can be sent again."
      actions={add}
    >
      <Loaded query={query}>
        {(webhooks) =>
          webhooks.length === 0 ? (
            <Empty icon={IconWebhook} title="No webhook yet">
              Add the URL of your server that should hear what happens in this app.
              {add && <div style={{ marginTop: 16 }}>{add}</div>}
            </Empty>
          ) : (
            <Stack gap="sm">
              {webhooks.map((webhook) => (
                <WebhookCard key={webhook.id} webhook={webhook} health={healths.data?.[webhook.id]} />
              ))}
            </Stack>
          )
        }
      </Loaded>
      <WebhookModal appId={appId} opened={adding} onClose={close} />
    </Page>
  );
}
