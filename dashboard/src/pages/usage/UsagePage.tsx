import { Anchor, Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { type Account, useAccount, useUsage } from "../../api/accounts";
import { count } from "../../format/number";
import { may } from "../../format/role";
import { FactList } from "../../parts/FactList";
import { IconPencil } from "../../parts/icons";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { Panel } from "../../parts/Panel";
import { UsageBar } from "../../parts/UsageBar";
import { useCurrentAccount } from "../../shell/currentAccount";
import { RenameForm } from "./RenameForm";
import { UsageWarnings } from "./UsageWarnings";

export default function UsagePage() {
  const current = useCurrentAccount();
  return current ? <UsageOf key={current.id} id={current.id} /> : null;
}

function UsageOf({ id }: { id: string }) {
  const account = useAccount(id);
  const usage = useUsage(id);
  return (
    <Page title="Plan and usage" lead={account.data && <>What the account {account.data.name} may use, and what it uses.</>} actions={account.data && may(account.data.role, "owner") && <Rename account={account.data} />}>
      <Loaded query={usage}>
        {(now) => (
          <Stack gap="md">
            <UsageWarnings usage={now} />
            <Panel title="Used now">
              <Stack gap="lg">
                <UsageBar label="Apps" used={now.apps} unit="apps" />
                <UsageBar label="Messages today (UTC)" used={now.messages_today} unit="messages" />
                {now.busiest_app && (
                  <div>
                    <UsageBar label="Connections of the busiest app" used={now.busiest_app.connections} unit="connections" />
                    <Anchor component={Link} to="/apps/$appId/overview" params={{ appId: now.busiest_app.app_id } as never} size="sm">
                      {now.busiest_app.name}
                    </Anchor>
                  </div>
                )}
              </Stack>
            </Panel>
            {account.data && <PlanPanel account={account.data} />}
          </Stack>
        )}
      </Loaded>
    </Page>
  );
}

const orNone = (n: number) => (n === 0 ? "no limit" : count(n));

function PlanPanel({ account: { plan } }: { account: Account }) {
  return (
    <Panel title={plan.name ? `The plan “${plan.name}”` : "The plan"} lead="The operator of this server sets it.">
      <FactList
        facts={[
          ["Apps", orNone(plan.max_apps)],
          ["Connections an app", orNone(plan.max_connections_per_app)],
          ["Messages a day", orNone(plan.max_messages_per_day)],
          ["Webhooks an app", orNone(plan.max_webhooks_per_app)],
        ]}
      />
      <Text size="sm" c="dimmed" mt="md">
        From 80 % on this page and the list of apps warn.
      </Text>
    </Panel>
  );
}

function Rename({ account }: { account: Account }) {
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <Group>
      <Button variant="default" leftSection={<IconPencil size={16} />} onClick={open}>
        Rename account
      </Button>
      <Modal opened={opened} onClose={close} title="Rename the account" centered>
        <RenameForm account={account} onClose={close} />
      </Modal>
    </Group>
  );
}
