import { ActionIcon, Button, Group, Input, Stack, TextInput } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { IconPlus, IconTrash } from "../../parts/icons";
import type { WebhookValues } from "./webhookForm";

/** Headers of the receiver's own; values that are kept are shown as `***` and can only be replaced. */
export function HeaderFields({ form }: { form: UseFormReturnType<WebhookValues> }) {
  return (
    <Input.Wrapper inputWrapperOrder={["label", "description", "input", "error"]} label="Headers" description="Sent with every request, as for a token of your gateway." labelElement="div" error={form.errors.headers}>
      <Stack gap="xs" mt="xs">
        {form.values.headers.map((_, i) => (
          <Group key={i} gap="xs" wrap="nowrap">
            <TextInput aria-label={`Name of header ${i + 1}`} placeholder="X-Api-Key" flex={1} {...form.getInputProps(`headers.${i}.name`)} />
            <TextInput aria-label={`Value of header ${i + 1}`} placeholder="Value" flex={1} {...form.getInputProps(`headers.${i}.value`)} />
            <ActionIcon variant="subtle" color="gray" aria-label={`Remove header ${i + 1}`} onClick={() => form.removeListItem("headers", i)}>
              <IconTrash size={16} />
            </ActionIcon>
          </Group>
        ))}
        <div>
          <Button size="xs" variant="default" leftSection={<IconPlus size={14} />} onClick={() => form.insertListItem("headers", { name: "", value: "" })}>
            Add header
          </Button>
        </div>
      </Stack>
    </Input.Wrapper>
  );
}
