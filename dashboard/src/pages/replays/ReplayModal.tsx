import { Button, Group, Modal, NativeSelect, SegmentedControl, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDebouncedValue } from "@mantine/hooks";
import { type Replay, useReplayCount, useStartReplay } from "../../api/replays";
import { WEBHOOK_EVENTS, type Webhook } from "../../api/webhooks";
import { asProblem } from "../../api/problem";
import { plural } from "../../format/number";
import { FormProblem } from "../../parts/FormProblem";
import { useSubmit } from "../../parts/useSubmit";
import { useState } from "react";
import { ReplayProgress } from "./ReplayProgress";
import { FIELDS, newReplay, type ReplayValues } from "./replayForm";

interface Props {
  appId: string;
  webhook?: Webhook;
  /** To choose from; without them it is `webhook`. */
  webhooks?: Webhook[];
  opened: boolean;
  onClose: () => void;
}

export function ReplayModal({ opened, onClose, ...rest }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title="Replay many" size="lg">
      <ReplayForm onClose={onClose} {...rest} />
    </Modal>
  );
}

function ReplayForm({ appId, webhook, webhooks, onClose }: Omit<Props, "opened">) {
  const [started, setStarted] = useState<Replay>();
  const start = useStartReplay(appId);
  const form = useForm<ReplayValues>({
    initialValues: { webhook: webhook?.id ?? webhooks?.[0]?.id ?? "", kind: "failed", from: "", to: "", channel: "", event: "" },
  });
  const send = (values: ReplayValues) => start.mutateAsync({ webhook: values.webhook, what: newReplay(values) });
  const { onSubmit, problem, busy } = useSubmit(form, FIELDS, send, setStarted);
  const counted = useCounted(appId, form.values);
  if (started) return <Started appId={appId} started={started} onClose={onClose} />;
  return (
    <form onSubmit={onSubmit} noValidate>
      <Stack>
        <FormProblem problem={problem} />
        {webhooks && <NativeSelect label="To which webhook" data={webhooks.map(({ id, url }) => ({ value: id, label: url }))} {...form.getInputProps("webhook")} />}
        <SegmentedControl
          aria-label="What to send again"
          data={[
            { value: "failed", label: "Failed deliveries" },
            { value: "log", label: "Events of the log" },
          ]}
          {...form.getInputProps("kind")}
        />
        <Text size="sm" c="dimmed">
          {form.values.kind === "failed" ? "What failed is sent again as it was, with its own Webhook-Id." : "Events that this webhook would hear today, whether they arrived or not, in new deliveries."}
        </Text>
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <TextInput type="datetime-local" label="From" {...form.getInputProps("from")} />
          <TextInput type="datetime-local" label="To" {...form.getInputProps("to")} />
          {form.values.kind === "log" && (
            <>
              <TextInput label="Channel" placeholder="all" {...form.getInputProps("channel")} />
              <NativeSelect label="Event" data={[{ value: "", label: "All" }, ...WEBHOOK_EVENTS]} {...form.getInputProps("event")} />
            </>
          )}
        </SimpleGrid>
        <Group justify="space-between">
          <Text size="sm" aria-live="polite">
            {counted.words}
          </Text>
          <Button type="submit" loading={busy} disabled={counted.count === 0}>
            {counted.count ? `Replay ${counted.noun}` : "Replay"}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** What would be sent, counted by the server while the form is filled in. */
function useCounted(appId: string, values: ReplayValues) {
  const [{ webhook, ...what }] = useDebouncedValue(values, 300);
  const { data, error } = useReplayCount(appId, webhook, newReplay(what), webhook !== "");
  const noun = values.kind === "failed" ? plural(data ?? 0, "delivery", "deliveries") : plural(data ?? 0, "event");
  const words = error ? asProblem(error).message : data === undefined ? "Counting …" : data === 0 ? "There is nothing to send." : `${noun} will be sent.`;
  return { count: data, noun, words };
}

function Started({ appId, started, onClose }: { appId: string; started: Replay; onClose: () => void }) {
  return (
    <Stack>
      <ReplayProgress appId={appId} started={started} />
      <Text size="sm" c="dimmed">
        It goes on without this window; Replays shows how far it is.
      </Text>
      <Group justify="flex-end">
        <Button onClick={onClose}>Close</Button>
      </Group>
    </Stack>
  );
}
