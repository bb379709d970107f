import { TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useState } from "react";
import { IconSearch } from "./icons";

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  w?: number | string;
}

/** Tells what was typed once the typing rests; `/` leads here. */
export function SearchInput({ label, value, onChange, w = 280 }: Props) {
  const [typed, setTyped] = useState(value);
  const [told, setTold] = useState(value);
  const tell = useDebouncedCallback(onChange, 250);
  // Changed from elsewhere, as by a button that clears all filters.
  if (value !== told) {
    setTold(value);
    setTyped(value);
  }
  return (
    <TextInput
      type="search"
      data-search
      aria-label={label}
      placeholder={label}
      leftSection={<IconSearch size={16} aria-hidden />}
      value={typed}
      w={w}
      maw="100%"
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        tell(event.currentTarget.value);
      }}
    />
  );
}
