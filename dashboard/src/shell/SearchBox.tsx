import "@mantine/spotlight/styles.css";
import { useDebouncedValue } from "@mantine/hooks";
import { createSpotlight, Spotlight } from "@mantine/spotlight";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { api } from "../api/client";
import type { AppSummary } from "../api/apps";
import { useSession } from "../api/session";
import { nameOf } from "../format/name";
import { IconAppWindow, IconSearch } from "../parts/icons";
import { ACCOUNT_GROUPS, APP_GROUPS, ME_PLACE, OPERATOR_PLACES, type Place } from "./places";

const [store, spotlight] = createSpotlight();

/** Finds pages by name and apps by name or id, wherever they are. */
export default function SearchBox({ asked }: { asked: number }) {
  const [query, setQuery] = useState("");
  const places = useFoundPlaces(query);
  const apps = useFoundApps(query);
  useEffect(() => {
    if (asked > 0) spotlight.open();
  }, [asked]);
  return (
    <Spotlight.Root
      store={store}
      query={query}
      onQueryChange={setQuery}
      clearQueryOnClose
      shortcut={null}
      scrollable
      maxHeight={420}
      attributes={{ content: { "aria-label": "Search pages and apps" } }}
    >
      <Spotlight.Search placeholder="A page or an app" aria-label="Search" leftSection={<IconSearch size={18} stroke={1.6} />} />
      <Spotlight.ActionsList>
        {places.length > 0 && <Spotlight.ActionsGroup label="Pages">{places}</Spotlight.ActionsGroup>}
        {apps.length > 0 && <Spotlight.ActionsGroup label="Apps">{apps}</Spotlight.ActionsGroup>}
        {places.length + apps.length === 0 && <Spotlight.Empty>Nothing is called so.</Spotlight.Empty>}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

function useFoundPlaces(query: string) {
  const { appId } = useParams({ strict: false });
  const { user } = useSession();
  const navigate = useNavigate();
  const own = user.operator ? [...OPERATOR_PLACES, ME_PLACE] : [ME_PLACE];
  const places: Place[] = [
    ...(appId ? APP_GROUPS.flatMap((group) => [...group.places]) : []),
    ...ACCOUNT_GROUPS.flatMap((group) => [...group.places]),
    ...own,
  ];
  const wanted = query.trim().toLowerCase();
  return places
    .filter((place) => `${place.label} ${place.words ?? ""}`.toLowerCase().includes(wanted))
    .map(({ to, label, icon: Picture }) => (
      <Spotlight.Action
        key={to}
        label={label}
        leftSection={<Picture size={18} stroke={1.6} aria-hidden />}
        onClick={() => void navigate({ to: to as "/", params: { appId } as never })}
      />
    ));
}

function useFoundApps(query: string) {
  const [q] = useDebouncedValue(query.trim(), 150);
  const navigate = useNavigate();
  const { data } = useQuery({
    queryKey: ["apps", "search", q],
    queryFn: () => api.read<{ apps: AppSummary[] }>(["apps"], { q, limit: 12 }),
  });
  return (data?.apps ?? []).map((app) => (
    <Spotlight.Action
      key={app.id}
      label={nameOf(app)}
      description={`App ${app.id}`}
      leftSection={<IconAppWindow size={18} stroke={1.6} aria-hidden />}
      onClick={() => void navigate({ to: "/apps/$appId/overview", params: { appId: app.id } })}
    />
  ));
}
