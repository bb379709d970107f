import { Group, Kbd, Modal, Stack, Text } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { onShortcuts, openShortcuts } from "./opened";
import { ACCOUNT_GROUPS, APP_GROUPS, type Place } from "./places";

const APP_PLACES: Place[] = APP_GROUPS.flatMap((group) => [...group.places]);
const ACCOUNT_PLACES: Place[] = ACCOUNT_GROUPS.flatMap((group) => [...group.places]);
const SEQUENCE_MS = 1200;

/** Keys that work on every page, and the list of them. */
export function Shortcuts() {
  const [shown, setShown] = useState(false);
  const { appId } = useParams({ strict: false });
  useEffect(() => onShortcuts(() => setShown(true)), []);
  useKeys(appId);
  const go = [...(appId ? APP_PLACES : []), ...ACCOUNT_PLACES].filter((place) => place.key);
  return (
    <Modal opened={shown} onClose={() => setShown(false)} title="Keyboard shortcuts" centered>
      <Stack gap={6}>
        <Line keys={["Ctrl/⌘", "K"]} means="Search pages and apps" />
        <Line keys={["/"]} means="Search on this page" />
        <Line keys={["↑", "↓"]} means="Go through the rows of a list" />
        <Line keys={["?"]} means="This list" />
        {go.map((place) => (
          <Line key={place.to} keys={["G", place.key?.toUpperCase() ?? ""]} means={place.label} />
        ))}
      </Stack>
    </Modal>
  );
}

function Line({ keys, means }: { keys: string[]; means: string }) {
  return (
    <Group justify="space-between" wrap="nowrap">
      <Text size="sm">{means}</Text>
      <Group gap={4} wrap="nowrap">
        {keys.map((key) => (
          <Kbd key={key}>{key}</Kbd>
        ))}
      </Group>
    </Group>
  );
}

function useKeys(appId: string | undefined) {
  const navigate = useNavigate();
  const begun = useRef(0);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const inSequence = event.timeStamp - begun.current < SEQUENCE_MS && begun.current > 0;
      begun.current = 0;
      if (inSequence) {
        const place = placeOf(event.key.toLowerCase(), appId);
        if (place) void navigate({ to: place.to as "/", params: { appId } as never });
      } else if (event.key === "g") begun.current = event.timeStamp;
      else if (event.key === "?") openShortcuts();
      else if (event.key === "/") toSearch(event);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [appId, navigate]);
}

const placeOf = (key: string, appId: string | undefined) =>
  [...(appId ? APP_PLACES : []), ...ACCOUNT_PLACES].find((place) => place.key === key);

function toSearch(event: KeyboardEvent) {
  const input = document.querySelector<HTMLInputElement>("[data-search]");
  if (!input) return;
  event.preventDefault();
  input.focus();
}

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
