import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { type App, useChangeApp, useDeleteApp } from "../../api/apps";
import { nameOf } from "../../format/name";
import { may } from "../../format/role";
import { confirm } from "../../parts/confirm";
import { Panel } from "../../parts/Panel";
import { outcome, tell } from "../../parts/tell";

export function DangerZone({ app }: { app: App }) {
  const [deleting, { open, close }] = useDisclosure(false);
  return (
    <Panel title="Switch off or delete" danger>
      <Stack gap="md">
        <OnOff app={app} />
        {may(app.role, "owner") && (
          <Group justify="space-between">
            <Text size="sm">Delete the app with its keys, webhooks and logs.</Text>
            <Button color="red" variant="light" onClick={open}>
              Delete app
            </Button>
          </Group>
        )}
      </Stack>
      <Modal opened={deleting} onClose={close} title={`Delete ${nameOf(app)}?`} centered>
        <DeleteForm app={app} onClose={close} />
      </Modal>
    </Panel>
  );
}

function OnOff({ app }: { app: App }) {
  const change = useChangeApp(app.id);
  const set = (enabled: boolean) => change.mutate({ enabled }, outcome(enabled ? "App switched on." : "App switched off."));
  const ask = () =>
    confirm({ title: `Switch ${nameOf(app)} off?`, body: `${nameOf(app)} closes its connections and refuses new ones until it is switched on again. Nothing is deleted.`, label: "Switch off", onConfirm: () => set(false) });
  return (
    <Group justify="space-between">
      <Text size="sm">{app.enabled ? "Close all connections and refuse new ones, deleting nothing." : "The app is switched off."}</Text>
      <Button variant="default" onClick={() => (app.enabled ? ask() : set(true))} loading={change.isPending}>
        {app.enabled ? "Switch off" : "Switch on"}
      </Button>
    </Group>
  );
}

function DeleteForm({ app, onClose }: { app: App; onClose: () => void }) {
  const [typed, setTyped] = useState("");
  const remove = useDeleteApp(app.id);
  const navigate = useNavigate();
  const submit = () =>
    remove.mutate(undefined, {
      onSuccess: () => {
        tell.done(`${nameOf(app)} is deleted.`);
        void navigate({ to: "/" });
      },
      onError: (error) => void tell.trouble(error),
    });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Stack>
        <Text size="sm">
          Its connections are closed; its keys, webhooks and delivery log are gone for good. Type the app's id, <b>{app.id}</b>, to confirm.
        </Text>
        <TextInput label="App id" value={typed} onChange={(event) => setTyped(event.currentTarget.value)} data-autofocus autoComplete="off" />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" color="red.9" disabled={typed !== app.id} loading={remove.isPending}>
            Delete {nameOf(app)}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
