import { Button, NativeSelect, TextInput } from "@mantine/core";
import { DELIVERY_STATUSES } from "../../api/deliveries";
import { WEBHOOK_EVENTS, type Webhook } from "../../api/webhooks";
import { FilterBar } from "../../parts/FilterBar";
import { SearchInput } from "../../parts/SearchInput";
import type { Filters } from "../../parts/useFilters";
import { STATUS_WORDS } from "./DeliveryStatus";

const NONE: Filters = { status: "", event: "", channel: "", endpoint: "", from: "", to: "" };

interface Props {
  filters: Filters;
  webhooks: Webhook[];
  onChange: (change: Filters) => void;
}

export function DeliveryFilters({ filters, webhooks, onChange }: Props) {
  const set = (name: string) => (event: { currentTarget: { value: string } }) => onChange({ [name]: event.currentTarget.value });
  const filtered = Object.keys(NONE).some((name) => filters[name]);
  return (
    <FilterBar>
      <NativeSelect label="Status" value={filters.status ?? ""} onChange={set("status")} data={[all, ...DELIVERY_STATUSES.map((value) => ({ value, label: STATUS_WORDS[value][1] }))]} />
      <NativeSelect label="Event" value={filters.event ?? ""} onChange={set("event")} data={[all, ...WEBHOOK_EVENTS]} />
      <NativeSelect
        label="Webhook"
        value={filters.endpoint ?? ""}
        onChange={set("endpoint")}
        data={[all, ...webhooks.map(({ id, url }) => ({ value: id, label: url }))]}
        maw={220}
      />
      <SearchInput label="Channel, exact" value={filters.channel ?? ""} onChange={(channel) => onChange({ channel })} w={190} />
      <TextInput label="From" type="datetime-local" w={205} value={filters.from ?? ""} onChange={set("from")} />
      <TextInput label="To" type="datetime-local" w={205} value={filters.to ?? ""} onChange={set("to")} />
      {filtered && (
        <Button variant="subtle" onClick={() => onChange(NONE)}>
          Clear
        </Button>
      )}
    </FilterBar>
  );
}

const all = { value: "", label: "All" };
