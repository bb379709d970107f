import { Alert, Stack } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useApp } from "../../api/apps";
import { may } from "../../format/role";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { DangerZone } from "./DangerZone";
import { SettingsForm } from "./SettingsForm";

const route = getRouteApi("/inside/apps/$appId");

export default function Settings() {
  const { appId } = route.useParams();
  const query = useApp(appId);
  return (
    <Page title="Settings" lead="What is changed here is in force at once, for open connections too.">
      <Loaded query={query}>
        {(app) => {
          const mayChange = may(app.role, "developer") && app.origin === "stored";
          return (
            <Stack gap="md">
              {app.origin === "file" && <Alert color="blue">This app is written in the server's config file, and is changed there.</Alert>}
              {!may(app.role, "developer") && <Alert color="blue">You may look at the settings; a developer of the account changes them.</Alert>}
              <SettingsForm key={app.id} app={app} mayChange={mayChange} />
              {mayChange && <DangerZone app={app} />}
            </Stack>
          );
        }}
      </Loaded>
    </Page>
  );
}
