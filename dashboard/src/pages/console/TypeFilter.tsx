import { Checkbox, Stack } from "@mantine/core";
import { ALL_TYPES, type LineType, TYPES } from "./lines";

export function TypeFilter({ types, onChange }: { types: ReadonlySet<LineType>; onChange: (types: ReadonlySet<LineType>) => void }) {
  const all = types.size === ALL_TYPES.length;
  const toggle = (type: LineType, on: boolean) => {
    const next = new Set(types);
    if (on) next.add(type);
    else next.delete(type);
    onChange(next);
  };
  return (
    <Stack gap={7}>
      <Checkbox size="xs" label="All types" checked={all} indeterminate={!all && types.size > 0} onChange={() => onChange(new Set(all ? [] : ALL_TYPES))} fw={600} />
      {ALL_TYPES.map((type) => (
        <Checkbox key={type} size="xs" label={TYPES[type].label} checked={types.has(type)} onChange={(event) => toggle(type, event.currentTarget.checked)} />
      ))}
    </Stack>
  );
}
