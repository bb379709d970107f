import { Group, Title } from "@mantine/core";
import { useState } from "react";
import { type PresenceMember, usePresenceMembers } from "../../api/live";
import { plural } from "../../format/number";
import { Empty } from "../../parts/Empty";
import { IconUsers } from "../../parts/icons";
import { Listed } from "../../parts/Listed";
import { SearchInput } from "../../parts/SearchInput";
import type { Column } from "../../parts/VirtualTable";

const COLUMNS: Column<PresenceMember>[] = [
  { key: "id", header: "User id", width: "minmax(120px, 1fr)", render: ({ id }) => <b>{id}</b> },
  { key: "info", header: "User info", width: "minmax(160px, 3fr)", render: ({ info }) => <span className="mono">{infoOf(info)}</span> },
  { key: "connections", header: "Connections", width: "130px", right: true, render: ({ connections }) => plural(connections, "connection") },
];

/** Who is on a presence channel. */
export function Members({ appId, channel }: { appId: string; channel: string }) {
  const [q, setQ] = useState("");
  const listing = usePresenceMembers(appId, channel, q);
  return (
    <section aria-label="Members">
      <Group justify="space-between" mb="sm">
        <Title order={2} fz="md">
          Members
        </Title>
        <SearchInput label="Search by user id" value={q} onChange={setQ} w={220} />
      </Group>
      <Listed
        label="Members"
        listing={listing}
        columns={COLUMNS}
        rowKey={({ id }) => id}
        empty={<Empty icon={IconUsers} title={q ? "No member's id has that in it" : "Nobody is here now"} />}
      />
    </section>
  );
}

const infoOf = (info: unknown) => (info === null || info === undefined ? "–" : JSON.stringify(info));
