import { Alert, Anchor, Button, Grid, Stack } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type App, useApp } from "../../api/apps";
import { nameOf } from "../../format/name";
import { count } from "../../format/number";
import { may } from "../../format/role";
import { Figure, Figures } from "../../parts/Figure";
import { IconRocket, IconSend } from "../../parts/icons";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { Panel } from "../../parts/Panel";
import { UsageBar } from "../../parts/UsageBar";
import { Facts } from "./Facts";
import { RecentErrors } from "./RecentErrors";
import { WebhookGlance } from "./WebhookGlance";

const route = getRouteApi("/inside/apps/$appId");

export default function Overview() {
  const { appId } = route.useParams();
  const query = useApp(appId);
  return (
    <Page title={nameOf({ id: appId, name: query.data?.name ?? "" })} actions={query.data && <Actions app={query.data} />}>
      <Loaded query={query}>{(app) => <Content app={app} />}</Loaded>
    </Page>
  );
}

function Actions({ app }: { app: App }) {
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconRocket size={16} />}
        renderRoot={(props) => <Link {...props} to="/apps/$appId/getting-started" params={{ appId: app.id }} />}
      >
        Getting started
      </Button>
      {may(app.role, "developer") && (
        <Button
          leftSection={<IconSend size={16} />}
          renderRoot={(props) => <Link {...props} to="/apps/$appId/events" params={{ appId: app.id }} />}
        >
          Send an event
        </Button>
      )}
    </>
  );
}

function Content({ app }: { app: App }) {
  return (
    <Stack gap="md">
      {!app.enabled && (
        <Alert color="orange" title="This app is disabled">
          Nobody can connect and nothing can be published.{" "}
          <Anchor component={Link} to="/apps/$appId/settings" params={{ appId: app.id } as never}>
            Switch it on in Settings
          </Anchor>
        </Alert>
      )}
      <Figures>
        <Figure label="Connections" value={count(app.connections)} unit="now" />
        <Figure label="Occupied channels" value={count(app.channels)} unit="now" />
        <Figure label="Messages" value={count(app.messages_today)} unit="today (UTC)" />
      </Figures>
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Stack gap="md">
            <WebhookGlance app={app} />
            <RecentErrors appId={app.id} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Stack gap="md">
            <Panel title="Connect to it">
              <Facts app={app} />
            </Panel>
            <Panel title="Limits">
              <Stack gap="md">
                <UsageBar label="Connections" used={app.limits.connections} unit="connections" />
                <UsageBar label="Messages today" used={app.limits.messages_today} unit="messages" />
              </Stack>
            </Panel>
          </Stack>
        </Grid.Col>
      </Grid>
    </Stack>
  );
}
