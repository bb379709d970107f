import { Button, Group, NumberInput, SimpleGrid, Stack, Switch, Textarea, TextInput } from "@mantine/core";
import { useForm, type UseFormReturnType } from "@mantine/form";
import { type App, useChangeApp } from "../../api/apps";
import { FormProblem } from "../../parts/FormProblem";
import { Panel } from "../../parts/Panel";
import { tell } from "../../parts/tell";
import { useSubmit } from "../../parts/useSubmit";
import classes from "./SettingsForm.module.css";
import { changeOf, FIELDS, LIMITS, type SettingsValues, TOGGLES, valuesOf } from "./settingsForm";

export function SettingsForm({ app, mayChange }: { app: App; mayChange: boolean }) {
  const change = useChangeApp(app.id);
  const form = useForm<SettingsValues>({ initialValues: valuesOf(app) });
  const { onSubmit, problem, busy } = useSubmit(form, FIELDS, (values) => change.mutateAsync(changeOf(app, values)), (saved) => {
    form.setInitialValues(valuesOf(saved));
    form.setValues(valuesOf(saved));
    form.resetDirty(valuesOf(saved));
    tell.done("Settings saved.");
  });
  return (
    <form onSubmit={onSubmit} noValidate>
      <fieldset disabled={!mayChange} className={classes.plain}>
        <Stack gap="md">
          <Panel title="App">
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <TextInput label="Name" {...form.getInputProps("name")} />
              <TextInput label="Cluster" description="Told to SDKs; this server does not use it." {...form.getInputProps("cluster")} />
            </SimpleGrid>
          </Panel>
          <Toggles form={form} />
          <Panel title="Limits">
            <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
              {LIMITS.map(({ name, label, unit, means }) => (
                <NumberInput key={name} label={label} description={means} suffix={` ${unit}`} thousandSeparator="," {...form.getInputProps(`settings.${name}`)} />
              ))}
            </SimpleGrid>
          </Panel>
          <Panel title="Allowed origins" lead="Pages of other origins cannot connect. Empty: pages of any origin may.">
            <Textarea aria-label="Allowed origins, one a line" placeholder={"https://example.com\nhttps://*.example.com"} autosize minRows={2} {...form.getInputProps("settings.allowed_origins")} />
          </Panel>
        </Stack>
      </fieldset>
      <FormProblem problem={problem} />
      {mayChange && form.isDirty() && (
        <Group className={classes.bar} justify="flex-end">
          <Button variant="default" onClick={form.reset}>
            Undo changes
          </Button>
          <Button type="submit" loading={busy}>
            Save settings
          </Button>
        </Group>
      )}
    </form>
  );
}

function Toggles({ form }: { form: UseFormReturnType<SettingsValues> }) {
  return (
    <Panel title="Features">
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
        {TOGGLES.map(({ name, label, means }) => (
          <Switch key={name} label={label} description={means} {...form.getInputProps(`settings.${name}`, { type: "checkbox" })} />
        ))}
      </SimpleGrid>
    </Panel>
  );
}
