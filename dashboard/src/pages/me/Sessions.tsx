import { Button, Title } from "@mantine/core";
import { type OpenSession, useEndSession, useOpenSessions } from "../../api/session";
import { Loaded } from "../../parts/Loaded";
import { Status } from "../../parts/Status";
import { outcome } from "../../parts/tell";
import { type Column, VirtualTable } from "../../parts/VirtualTable";
import { When } from "../../parts/When";
import { browserOf } from "./browser";

const COLUMNS: Column<OpenSession>[] = [
  { key: "browser", header: "Browser", width: "minmax(160px, 2fr)", render: ({ user_agent }) => <b title={user_agent ?? ""}>{browserOf(user_agent)}</b> },
  { key: "address", header: "Address", width: "140px", render: ({ address }) => address ?? "unknown" },
  { key: "since", header: "Signed in", width: "120px", right: true, wideOnly: true, render: ({ created_at }) => <When at={created_at} relative /> },
  { key: "seen", header: "Last seen", width: "120px", right: true, render: ({ last_seen_at }) => <When at={last_seen_at} relative /> },
  { key: "act", header: "Act", width: "120px", right: true, render: (session) => <End session={session} /> },
];

export function Sessions() {
  const query = useOpenSessions();
  return (
    <section aria-label="Sessions">
      <Title order={2} fz="md" mb="sm">
        Where you are signed in
      </Title>
      <Loaded query={query}>{(sessions) => <VirtualTable label="Sessions" rows={sessions} rowKey={({ id }) => id} columns={COLUMNS} />}</Loaded>
    </section>
  );
}

function End({ session }: { session: OpenSession }) {
  const end = useEndSession();
  if (session.current) return <Status tone="good">This one</Status>;
  return (
    <Button size="compact-xs" variant="default" loading={end.isPending} onClick={() => end.mutate(session.id, outcome("Session ended."))} aria-label={`Sign out ${browserOf(session.user_agent)}`}>
      Sign out
    </Button>
  );
}
