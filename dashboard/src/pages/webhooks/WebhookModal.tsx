import { Modal } from "@mantine/core";
import { useChangeWebhook, useCreateWebhook, type Webhook } from "../../api/webhooks";
import { showOnce } from "../../parts/OneTimeSecret";
import { tell } from "../../parts/tell";
import { WebhookForm } from "./WebhookForm";
import { change, creation, valuesOf } from "./webhookForm";

interface Props {
  appId: string;
  /** What is edited; without it one is added. */
  webhook?: Webhook;
  opened: boolean;
  onClose: () => void;
}

export function WebhookModal({ appId, webhook, opened, onClose }: Props) {
  const title = webhook ? "Edit webhook" : "Add a webhook";
  return (
    <Modal opened={opened} onClose={onClose} title={title} size="lg">
      {webhook ? (
        <Editing appId={appId} webhook={webhook} onClose={onClose} />
      ) : (
        <Adding appId={appId} onClose={onClose} />
      )}
    </Modal>
  );
}

function Adding({ appId, onClose }: { appId: string; onClose: () => void }) {
  const create = useCreateWebhook(appId);
  return (
    <WebhookForm
      initial={valuesOf()}
      label="Add webhook"
      onCancel={onClose}
      send={(values) => create.mutateAsync(creation(values))}
      done={(made) => {
        onClose();
        showOnce({
          title: "The signing secret of this webhook",
          label: "signing secret",
          secret: made.secret,
          note: "It signs the Standard Webhooks headers. It is shown now and never again; you can replace it later. Receivers that check Pusher's X-Pusher-Signature use the app's secret instead.",
          warnings: made.warnings,
        });
      }}
    />
  );
}

function Editing({ appId, webhook, onClose }: { appId: string; webhook: Webhook; onClose: () => void }) {
  const save = useChangeWebhook(appId, webhook.id);
  return (
    <WebhookForm
      initial={valuesOf(webhook)}
      label="Save"
      onCancel={onClose}
      send={(values) => save.mutateAsync(change(webhook, values))}
      done={({ warnings }) => {
        onClose();
        tell.done(["Webhook saved.", ...warnings].join(" "));
      }}
    />
  );
}
