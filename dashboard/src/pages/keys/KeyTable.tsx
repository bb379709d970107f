import { Button, Group, Switch, Text } from "@mantine/core";
import { type App, type Key, useDeleteKey, useSwitchKey } from "../../api/apps";
import { may } from "../../format/role";
import { confirm } from "../../parts/confirm";
import { Copy } from "../../parts/Copy";
import { IconTrash } from "../../parts/icons";
import { Status, Tag } from "../../parts/Status";
import { outcome } from "../../parts/tell";
import { When } from "../../parts/When";
import { SecretCell } from "./SecretCell";
import classes from "./KeyTable.module.css";

interface Props {
  app: App | undefined;
  appId: string;
  keys: Key[];
  mayChange: boolean;
}

export function KeyTable({ app, appId, keys, mayChange }: Props) {
  return (
    <ul className={classes.list}>
      {keys.map((key) => (
        <li key={key.key} className={classes.key}>
          <div className={classes.pair}>
            <Line label="Key">
              <span className="mono">{key.key}</span>
              <Copy text={key.key} what="key" />
              {app?.key === key.key && <Tag>signs webhooks</Tag>}
            </Line>
            <Line label="Secret">{may(app?.role, "developer") ? <SecretCell appId={appId} appKey={key.key} /> : <Text size="sm">Developers can see it</Text>}</Line>
            <Line label="Made">{key.created_at ? <When at={key.created_at} /> : "with the config file"}</Line>
          </div>
          {mayChange ? <Acts appId={appId} value={key} /> : <Status tone={key.active ? "good" : "idle"}>{key.active ? "Active" : "Inactive"}</Status>}
        </li>
      ))}
    </ul>
  );
}

function Line({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <Group gap="xs" wrap="wrap" mih={30}>
      <Text size="sm" c="dimmed" w={56}>
        {label}
      </Text>
      {children}
    </Group>
  );
}

function Acts({ appId, value: { key, active } }: { appId: string; value: Key }) {
  const toggle = useSwitchKey(appId);
  const remove = useDeleteKey(appId);
  const switchOff = () => toggle.mutate({ key, active: false }, outcome("Key deactivated."));
  const change = () => {
    if (!active) return toggle.mutate({ key, active: true }, outcome("Key activated."));
    return confirm({ title: "Deactivate this key?", body: `Whoever uses ${key} can no longer connect or publish. It can be activated again.`, label: "Deactivate key", onConfirm: switchOff });
  };
  const ask = () =>
    confirm({ title: "Delete this key?", body: `${key} and its secret are gone for good.`, label: "Delete key", onConfirm: () => remove.mutate(key, outcome("Key deleted.")) });
  return (
    <Group gap="md">
      <Switch label={active ? "Active" : "Inactive"} checked={active} onChange={change} disabled={toggle.isPending} />
      <Button size="xs" variant="default" leftSection={<IconTrash size={14} />} onClick={ask} aria-label={`Delete key ${key}`}>
        Delete
      </Button>
    </Group>
  );
}
