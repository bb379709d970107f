import { Anchor, Button, Stack, Tabs, Text } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { type App, revealSecret, useApp } from "../../api/apps";
import { place } from "../../api/base";
import { may } from "../../format/role";
import { Code } from "../../parts/Code";
import { IconEye, IconEyeOff } from "../../parts/icons";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { Panel } from "../../parts/Panel";
import { tell } from "../../parts/tell";
import { useFilters } from "../../parts/useFilters";
import { SECRET_PLACEHOLDER, type Snippet, snippets } from "./snippets";

const route = getRouteApi("/inside/apps/$appId");

export default function GettingStarted() {
  const { appId } = route.useParams();
  const query = useApp(appId);
  return (
    <Page title="Getting started" lead="Pusher's own libraries, with this app's values filled in. Copy, paste, run.">
      <Loaded query={query}>{(app) => <Content app={app} />}</Loaded>
    </Page>
  );
}

function Content({ app }: { app: App }) {
  const [secret, setSecret] = useState<string>();
  const [filters, setFilters] = useFilters();
  const filled = snippets({
    appId: app.id,
    key: app.key ?? "NO_ACTIVE_KEY",
    secret: secret ?? SECRET_PLACEHOLDER,
    cluster: app.cluster || "self",
    place: place(),
  });
  const chosen = filled.find((snippet) => snippet.id === filters.sdk) ?? filled[0];
  return (
    <Stack gap="md">
      <Panel actions={may(app.role, "developer") && app.key && <SecretButton app={app.id} appKey={app.key} secret={secret} onSecret={setSecret} />} title="Your code">
        <Tabs value={chosen?.id} onChange={(sdk) => setFilters({ sdk: sdk ?? "" })} keepMounted={false}>
          <Tabs.List mb="md">
            {filled.map(({ id, label }) => (
              <Tabs.Tab key={id} value={id}>
                {label}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {filled.map((snippet) => (
            <Tabs.Panel key={snippet.id} value={snippet.id}>
              <Steps snippet={snippet} />
            </Tabs.Panel>
          ))}
        </Tabs>
      </Panel>
      <Panel title="Then watch it">
        <Text size="sm">
          Open the{" "}
          <Anchor component={Link} to="/apps/$appId/console" params={{ appId: app.id } as never} inherit>
            debug console
          </Anchor>{" "}
          and reload your page: each connection, subscription and message appears there. The{" "}
          <Anchor component={Link} to="/apps/$appId/events" params={{ appId: app.id } as never} inherit>
            event creator
          </Anchor>{" "}
          sends <code>my-event</code> to <code>my-channel</code> without any code.
        </Text>
      </Panel>
    </Stack>
  );
}

function Steps({ snippet }: { snippet: Snippet }) {
  return (
    <Stack gap="md">
      {snippet.steps.map(({ note, code }) => (
        <div key={note}>
          <Text size="sm" c="dimmed" mb={6} className="mono">
            {note}
          </Text>
          <Code text={code} label={`${snippet.label}: ${note}`} tall />
        </div>
      ))}
    </Stack>
  );
}

interface SecretProps {
  app: string;
  appKey: string;
  secret: string | undefined;
  onSecret: (secret: string | undefined) => void;
}

/** Fills the secret in, deliberately: the server notes who looked. */
function SecretButton({ app, appKey, secret, onSecret }: SecretProps) {
  const show = () => revealSecret(app, appKey).then(onSecret, tell.trouble);
  return (
    <Button
      size="xs"
      variant="default"
      leftSection={secret ? <IconEyeOff size={14} /> : <IconEye size={14} />}
      onClick={() => (secret ? onSecret(undefined) : void show())}
    >
      {secret ? "Hide the secret" : "Fill in the secret"}
    </Button>
  );
}
