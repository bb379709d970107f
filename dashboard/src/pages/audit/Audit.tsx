import { Stack, Text } from "@mantine/core";
import { type AuditEntry, useAudit } from "../../api/accounts";
import type { Membership } from "../../api/session";
import { utcOfLocal } from "../../format/moment";
import { Empty } from "../../parts/Empty";
import { IconHistory } from "../../parts/icons";
import { Listed } from "../../parts/Listed";
import { Page } from "../../parts/Page";
import { useFilters } from "../../parts/useFilters";
import type { Column } from "../../parts/VirtualTable";
import { When } from "../../parts/When";
import { useCurrentAccount } from "../../shell/currentAccount";
import { AuditFilters } from "./AuditFilters";
import { actionWords, changeWords } from "./words";

export default function Audit() {
  const current = useCurrentAccount();
  return current ? <AuditOf key={current.id} account={current} /> : null;
}

const NAMES = ["actor", "action", "app_id", "from", "to"];

function AuditOf({ account }: { account: Membership }) {
  const [filters, setFilters] = useFilters();
  const listing = useAudit(account.id, {
    actor: filters.actor,
    action: filters.action,
    app_id: filters.app_id,
    from: utcOfLocal(filters.from),
    to: utcOfLocal(filters.to),
  });
  const filtered = NAMES.some((name) => filters[name]);
  return (
    <Page title="Audit log" lead={`Who changed what in ${account.name}, and when.`}>
      <AuditFilters account={account.id} filters={filters} onChange={setFilters} />
      <Listed
        label="Audit log"
        listing={listing}
        columns={COLUMNS}
        rowKey={({ id }) => id}
        empty={<Empty icon={IconHistory} title={filtered ? "Nothing is like that" : "Nothing was changed yet"}>{filtered && "Loosen the filters."}</Empty>}
      />
    </Page>
  );
}

const COLUMNS: Column<AuditEntry>[] = [
  { key: "what", header: "What", width: "minmax(200px, 2.2fr)", render: (entry) => <What entry={entry} /> },
  { key: "who", header: "Who", width: "minmax(120px, 1fr)", render: ({ actor }) => <Who actor={actor} /> },
  { key: "app", header: "App", width: "80px", render: ({ app_id }) => app_id ?? "–" },
  { key: "address", header: "Address", width: "130px", wideOnly: true, render: ({ actor }) => actor.address ?? "–" },
  { key: "at", header: "When", width: "110px", right: true, render: ({ at }) => <When at={at} relative /> },
];

function What({ entry }: { entry: AuditEntry }) {
  return (
    <Stack gap={0} style={{ whiteSpace: "normal" }}>
      <Text size="sm" fw={550} style={{ overflowWrap: "anywhere" }}>
        {actionWords(entry.action)}: {entry.target}
      </Text>
      {entry.changes.map((change) => (
        <Text key={change.field} size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
          {changeWords(change)}
        </Text>
      ))}
    </Stack>
  );
}

const KINDS = { user: "", token: "API token ", cli: "Command line, ", system: "The server" };

const Who = ({ actor }: { actor: AuditEntry["actor"] }) => <>{`${KINDS[actor.kind]}${actor.kind === "system" ? "" : actor.name}`}</>;
