import { Alert, Button } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { type App, useApp, useCreateKey, useKeys } from "../../api/apps";
import { may } from "../../format/role";
import { IconPlus } from "../../parts/icons";
import { Loaded } from "../../parts/Loaded";
import { showOnce } from "../../parts/OneTimeSecret";
import { Page } from "../../parts/Page";
import { tell } from "../../parts/tell";
import { KeyTable } from "./KeyTable";

const route = getRouteApi("/inside/apps/$appId");

export default function Keys() {
  const { appId } = route.useParams();
  const app = useApp(appId).data;
  const query = useKeys(appId);
  const mayChange = may(app?.role, "developer") && app?.origin === "stored";
  return (
    <Page
      title="App keys"
      lead="Any active key may connect, authorize and publish. The oldest active one signs webhooks."
      actions={mayChange && <CreateKey appId={appId} />}
    >
      {app?.origin === "file" && <OfFile />}
      <Loaded query={query}>{(keys) => <KeyTable app={app as App} appId={appId} keys={keys} mayChange={mayChange} />}</Loaded>
    </Page>
  );
}

function CreateKey({ appId }: { appId: string }) {
  const create = useCreateKey(appId);
  const make = () =>
    create.mutate(undefined, {
      onSuccess: ({ key, secret }) =>
        showOnce({ title: "The new key", label: "secret", secret, note: `The secret of ${key}. It works from now on; the older keys work on until you deactivate them.` }),
      onError: (error) => void tell.trouble(error),
    });
  return (
    <Button leftSection={<IconPlus size={16} />} loading={create.isPending} onClick={make}>
      New key
    </Button>
  );
}

function OfFile() {
  return (
    <Alert color="blue" mb="md">
      This app and its keys are written in the server's config file, and are changed there.
    </Alert>
  );
}
