import { Button, Checkbox, Group, NumberInput, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { WEBHOOK_EVENTS } from "../../api/webhooks";
import { FormProblem } from "../../parts/FormProblem";
import { useSubmit } from "../../parts/useSubmit";
import { HeaderFields } from "./HeaderFields";
import { FIELDS, type WebhookValues } from "./webhookForm";

const MEANS: Record<(typeof WEBHOOK_EVENTS)[number], string> = {
  channel_occupied: "A channel has its first subscription",
  channel_vacated: "A channel lost its last",
  member_added: "Somebody came to a presence channel",
  member_removed: "Somebody left one",
  client_event: "A client sent an event",
  cache_miss: "A cache channel had nothing to show",
  subscription_count: "How many subscribe to a channel",
};

interface Props<R> {
  initial: WebhookValues;
  label: string;
  send: (values: WebhookValues) => Promise<R>;
  done: (result: R) => void;
  onCancel: () => void;
}

export function WebhookForm<R>({ initial, label, send, done, onCancel }: Props<R>) {
  const form = useForm<WebhookValues>({ initialValues: initial });
  const { onSubmit, problem, busy } = useSubmit(form, FIELDS, send, done);
  return (
    <form onSubmit={onSubmit} noValidate>
      <Stack>
        <FormProblem problem={problem} />
        <TextInput label="URL" type="url" placeholder="https://example.com/webhooks" data-autofocus {...form.getInputProps("url")} />
        <TextInput label="Note" description="For people; shown in lists." {...form.getInputProps("description")} />
        <Checkbox.Group inputWrapperOrder={["label", "description", "input", "error"]} label="Events" description="None chosen: all of them." {...form.getInputProps("events")}>
          <SimpleGrid cols={{ base: 1, sm: 2 }} mt="xs" spacing="xs">
            {WEBHOOK_EVENTS.map((event) => (
              <Checkbox key={event} value={event} label={<span className="mono">{event}</span>} description={MEANS[event]} />
            ))}
          </SimpleGrid>
        </Checkbox.Group>
        <div>
          <Text size="sm" fw={500}>
            Only of channels whose names
          </Text>
          <SimpleGrid cols={{ base: 1, xs: 2 }} mt={4}>
            <TextInput label="start with" placeholder="presence-" {...form.getInputProps("channel_prefix")} />
            <TextInput label="end with" {...form.getInputProps("channel_suffix")} />
          </SimpleGrid>
        </div>
        <HeaderFields form={form} />
        <SimpleGrid cols={{ base: 1, sm: 3 }}>
          <NumberInput label="Keep trying for" suffix=" h" placeholder="5 minutes" min={1} {...form.getInputProps("retry_hours")} />
          <NumberInput label="At the same time" suffix=" requests" placeholder="16 requests" min={1} {...form.getInputProps("max_in_flight")} />
          <NumberInput label="At most" suffix=" a second" placeholder="no limit" min={1} {...form.getInputProps("max_per_second")} />
        </SimpleGrid>
        <Group justify="flex-end">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={busy}>
            {label}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
