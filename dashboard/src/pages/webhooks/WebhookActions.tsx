import { ActionIcon, Button, Menu } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { useDeleteWebhook, useSwitchWebhook, useTestWebhook, type Webhook } from "../../api/webhooks";
import { confirm } from "../../parts/confirm";
import { IconDots, IconKey, IconPencil, IconPlayerPause, IconPlayerPlay, IconRotateClockwise2, IconSend, IconTrash } from "../../parts/icons";
import { outcome } from "../../parts/tell";
import { ReplayModal } from "../replays/ReplayModal";
import { RotateModal } from "./RotateModal";
import { WebhookModal } from "./WebhookModal";

/** What a developer may do with a webhook; one of the config file is neither edited nor removed here. */
export function WebhookActions({ webhook }: { webhook: Webhook }) {
  const [editing, edit] = useDisclosure(false);
  const [rotating, rotate] = useDisclosure(false);
  const [replaying, replay] = useDisclosure(false);
  const test = useTestWebhook(webhook.app_id);
  const stored = webhook.origin === "stored";
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconSend size={16} />}
        loading={test.isPending}
        onClick={() => test.mutate(webhook.id, outcome("A test is on its way; see Deliveries."))}
      >
        Send a test
      </Button>
      <Button variant="default" leftSection={<IconRotateClockwise2 size={16} />} onClick={replay.open}>
        Replay
      </Button>
      {stored && (
        <Button leftSection={<IconPencil size={16} />} onClick={edit.open}>
          Edit
        </Button>
      )}
      <More webhook={webhook} onRotate={rotate.open} />
      <WebhookModal appId={webhook.app_id} webhook={webhook} opened={editing} onClose={edit.close} />
      <RotateModal webhook={webhook} opened={rotating} onClose={rotate.close} />
      <ReplayModal appId={webhook.app_id} webhook={webhook} opened={replaying} onClose={replay.close} />
    </>
  );
}

function More({ webhook, onRotate }: { webhook: Webhook; onRotate: () => void }) {
  const toggle = useSwitchWebhook(webhook.app_id);
  const remove = useDeleteWebhook(webhook.app_id);
  const navigate = useNavigate();
  const switchIt = () =>
    toggle.mutate({ id: webhook.id, enabled: !webhook.enabled }, outcome(webhook.enabled ? "Webhook disabled." : "Webhook enabled."));
  const removeIt = () =>
    remove.mutate(webhook.id, {
      ...outcome("Webhook removed."),
      onSuccess: () => void navigate({ to: "/apps/$appId/webhooks", params: { appId: webhook.app_id } }),
    });
  const ask = () =>
    confirm({ title: "Remove this webhook?", body: `${webhook.url} hears nothing any more; what waits for it is given up.`, label: "Remove webhook", onConfirm: removeIt });
  return (
    <Menu position="bottom-end" width={220} withinPortal>
      <Menu.Target>
        <ActionIcon variant="default" size={36} aria-label="More">
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconKey size={16} />} onClick={onRotate}>
          Replace the signing secret
        </Menu.Item>
        {webhook.origin === "stored" && (
          <>
            <Menu.Item leftSection={webhook.enabled ? <IconPlayerPause size={16} /> : <IconPlayerPlay size={16} />} onClick={switchIt}>
              {webhook.enabled ? "Disable" : "Enable"}
            </Menu.Item>
            <Menu.Item color="red" leftSection={<IconTrash size={16} />} onClick={ask}>
              Remove
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
