import { NativeSelect, TextInput } from "@mantine/core";
import { useMembers, useTokens } from "../../api/people";
import { FilterBar } from "../../parts/FilterBar";
import { SearchInput } from "../../parts/SearchInput";
import type { Filters } from "../../parts/useFilters";
import { actionWords, NOUNS } from "./words";

interface Props {
  account: string;
  filters: Filters;
  onChange: (change: Filters) => void;
}

const ALL = { value: "", label: "All" };

export function AuditFilters({ account, filters, onChange }: Props) {
  const members = useMembers(account).data ?? [];
  const tokens = useTokens(account).data ?? [];
  const actors = [
    ALL,
    ...members.map(({ user_id, name }) => ({ value: user_id, label: name })),
    ...tokens.map(({ id, name }) => ({ value: id, label: `Token ${name}` })),
  ];
  const nouns = [ALL, ...NOUNS.map((noun) => ({ value: noun, label: `${actionWords(noun)}s` }))];
  const set = (name: string) => (event: { currentTarget: { value: string } }) => onChange({ [name]: event.currentTarget.value });
  return (
    <FilterBar>
      <NativeSelect label="Who" value={filters.actor ?? ""} onChange={set("actor")} data={actors} />
      <NativeSelect label="What" value={filters.action ?? ""} onChange={set("action")} data={nouns} />
      <SearchInput label="App id" value={filters.app_id ?? ""} onChange={(app_id) => onChange({ app_id })} w={130} />
      <TextInput label="From" type="datetime-local" w={205} value={filters.from ?? ""} onChange={set("from")} />
      <TextInput label="To" type="datetime-local" w={205} value={filters.to ?? ""} onChange={set("to")} />
    </FilterBar>
  );
}
