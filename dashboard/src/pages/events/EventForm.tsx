import { Button, Group, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { type OutgoingEvent, type Received, useSendEvent } from "../../api/live";
import { bytes } from "../../format/number";
import { checkJson } from "../../format/json";
import { FormProblem } from "../../parts/FormProblem";
import { IconSend } from "../../parts/icons";
import { useSubmit } from "../../parts/useSubmit";

const FIELDS = ["channel", "name", "data"] as const;
const FIRST = { channel: "my-channel", name: "my-event", data: '{\n  "hello": "world"\n}' };

interface Props {
  appId: string;
  initial?: OutgoingEvent;
  onSent: (event: OutgoingEvent, received: Received) => void;
}

export function EventForm({ appId, initial, onSent }: Props) {
  const send = useSendEvent(appId);
  const form = useForm({ initialValues: { ...FIRST, ...initial } });
  const { onSubmit, problem, busy } = useSubmit(form, FIELDS, async ({ channel, name, data }) => {
    const outgoing = { channel, name, data };
    onSent(outgoing, await send.mutateAsync(outgoing));
  });
  const check = checkJson(form.values.data);
  const tidy = () => check.kind === "json" && form.setFieldValue("data", check.pretty);
  return (
    <form onSubmit={onSubmit} noValidate>
      <Stack>
        <FormProblem problem={problem} />
        <TextInput label="Channel" {...form.getInputProps("channel")} />
        <TextInput label="Event" {...form.getInputProps("name")} />
        <Textarea
          label="Data"
          autosize
          minRows={6}
          maxRows={20}
          spellCheck={false}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: "0.85rem" } }}
          {...form.getInputProps("data")}
        />
        <Group justify="space-between">
          <Text size="sm" c={check.kind === "broken" ? "var(--mantine-color-error)" : "dimmed"} aria-live="polite">
            {said(check)}, {bytes(new TextEncoder().encode(form.values.data).length)}
          </Text>
          <Group gap="xs">
            <Button variant="default" onClick={tidy} disabled={check.kind !== "json"}>
              Tidy up
            </Button>
            <Button type="submit" loading={busy} leftSection={<IconSend size={16} />}>
              {check.kind === "broken" ? "Send as text" : "Send event"}
            </Button>
          </Group>
        </Group>
      </Stack>
    </form>
  );
}

function said(check: ReturnType<typeof checkJson>): string {
  if (check.kind === "json") return "Valid JSON";
  if (check.kind === "text") return "Plain text";
  return `Not JSON, line ${check.line}, column ${check.column}: ${check.message}`;
}
