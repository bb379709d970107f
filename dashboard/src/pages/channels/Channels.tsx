import { Group, NativeSelect } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { type ChannelSummary, useChannels } from "../../api/live";
import { count } from "../../format/number";
import { Empty } from "../../parts/Empty";
import { IconBroadcast, IconSearch } from "../../parts/icons";
import { Listed } from "../../parts/Listed";
import { Page } from "../../parts/Page";
import { RowLink } from "../../parts/RowLink";
import { SearchInput } from "../../parts/SearchInput";
import { Tag } from "../../parts/Status";
import { useFilters } from "../../parts/useFilters";
import type { Column } from "../../parts/VirtualTable";

const route = getRouteApi("/inside/apps/$appId");

const KINDS = ["public", "private", "presence", "encrypted"];

const columns = (appId: string): Column<ChannelSummary>[] => [
  {
    key: "name",
    header: "Channel",
    width: "minmax(180px, 3fr)",
    render: ({ name }) => (
      <RowLink to="/apps/$appId/channels/$channel" params={{ appId, channel: name }}>
        {name}
      </RowLink>
    ),
  },
  { key: "kind", header: "Kind", width: "minmax(110px, 1fr)", render: ({ kind }) => <Tag>{kind}</Tag> },
  { key: "subscriptions", header: "Subscriptions", width: "120px", right: true, render: ({ subscriptions }) => count(subscriptions) },
  { key: "users", header: "Users", width: "100px", right: true, render: ({ users }) => (users === null ? "–" : count(users)) },
  { key: "cached", header: "Cached event", width: "110px", wideOnly: true, render: ({ cached }) => (cached ? "yes" : "–") },
];

export default function Channels() {
  const { appId } = route.useParams();
  const [filters, setFilters] = useFilters();
  const listing = useChannels(appId, { q: filters.q, kind: filters.kind });
  const filtered = Boolean(filters.q || filters.kind);
  return (
    <Page
      title="Channels"
      lead="The channels that somebody subscribes to now."
      actions={
        <Group gap="xs">
          <SearchInput label="Search by name" value={filters.q ?? ""} onChange={(q) => setFilters({ q })} w={240} />
          <NativeSelect
            aria-label="Kind"
            value={filters.kind ?? ""}
            onChange={(event) => setFilters({ kind: event.currentTarget.value })}
            data={[{ value: "", label: "All kinds" }, ...KINDS]}
          />
        </Group>
      }
    >
      <Listed label="Channels" listing={listing} columns={columns(appId)} rowKey={(channel) => channel.name} empty={<None filtered={filtered} />} />
    </Page>
  );
}

function None({ filtered }: { filtered: boolean }) {
  if (filtered) {
    return (
      <Empty icon={IconSearch} title="No occupied channel is like that">
        A channel is here only while somebody subscribes to it.
      </Empty>
    );
  }
  return (
    <Empty icon={IconBroadcast} title="Nobody subscribes to anything now">
      As soon as a client subscribes to a channel, it appears here.
    </Empty>
  );
}
