import { Button, SegmentedControl } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type AppSummary, useApps } from "../../api/apps";
import { useUsage } from "../../api/accounts";
import { nameOf } from "../../format/name";
import { count } from "../../format/number";
import { may } from "../../format/role";
import { Empty } from "../../parts/Empty";
import { IconAppWindow, IconPlus, IconSearch } from "../../parts/icons";
import { Listed } from "../../parts/Listed";
import { Page } from "../../parts/Page";
import { RowLink } from "../../parts/RowLink";
import { SearchInput } from "../../parts/SearchInput";
import { Status, Tag } from "../../parts/Status";
import { useFilters } from "../../parts/useFilters";
import type { Column } from "../../parts/VirtualTable";
import { useCurrentAccount } from "../../shell/currentAccount";
import { type Membership, useSession } from "../../api/session";
import { NewApp } from "./NewApp";
import { UsageWarnings } from "../usage/UsageWarnings";

const COLUMNS: Column<AppSummary>[] = [
  {
    key: "name",
    header: "App",
    width: "minmax(160px, 2fr)",
    render: (app) => (
      <RowLink to="/apps/$appId/overview" params={{ appId: app.id }}>
        {nameOf(app)}
      </RowLink>
    ),
  },
  { key: "id", header: "App id", width: "100px", render: (app) => <span className="mono">{app.id}</span> },
  { key: "state", header: "State", width: "170px", render: (app) => <AppState app={app} /> },
  { key: "connections", header: "Connections now", width: "130px", right: true, render: (app) => count(app.connections) },
  { key: "channels", header: "Channels now", width: "120px", right: true, render: (app) => count(app.channels), wideOnly: true },
  { key: "messages", header: "Messages today", width: "130px", right: true, render: (app) => count(app.messages_today) },
];

export default function Apps() {
  const account = useCurrentAccount();
  if (!account) return <NoAccount />;
  return <AppsOf account={account} />;
}

function AppsOf({ account }: { account: Membership }) {
  const [filters, setFilters] = useFilters();
  const [creating, { open, close }] = useDisclosure(false);
  const { user } = useSession();
  // Apps of the config file belong to no account: only operators see them.
  const everywhere = user.operator && filters.all === "1";
  const listing = useApps(everywhere ? undefined : account.id, filters.q ?? "");
  const usage = useUsage(account.id);
  const create = may(account.role, "developer") && (
    <Button leftSection={<IconPlus size={16} />} onClick={open}>
      New app
    </Button>
  );
  return (
    <Page
      title="Apps"
      name={`Apps of ${account.name}`}
      actions={
        <>
          {user.operator && (
            <SegmentedControl
              aria-label="Which apps"
              value={everywhere ? "1" : ""}
              onChange={(all) => setFilters({ all })}
              data={[
                { value: "", label: "This account" },
                { value: "1", label: "Whole server" },
              ]}
            />
          )}
          <SearchInput label="Search apps by name or id" value={filters.q ?? ""} onChange={(q) => setFilters({ q })} />
          {create}
        </>
      }
    >
      {usage.data && <UsageWarnings usage={usage.data} />}
      <Listed
        label="Apps"
        listing={listing}
        columns={COLUMNS}
        rowKey={(app) => app.id}
        empty={filters.q ? <NothingFound q={filters.q} /> : <NoApps action={create} />}
      />
      <NewApp account={account} opened={creating} onClose={close} />
    </Page>
  );
}

function AppState({ app }: { app: AppSummary }) {
  if (!app.enabled) return <Status tone="idle">Disabled</Status>;
  return (
    <>
      <Status tone="good">On</Status> {app.origin === "file" && <Tag>config file</Tag>}
    </>
  );
}

function NothingFound({ q }: { q: string }) {
  return (
    <Empty icon={IconSearch} title="No app is called so">
      Nothing has “{q}” in its name or id. Other accounts are searched with Ctrl or ⌘ and K.
    </Empty>
  );
}

function NoApps({ action }: { action: React.ReactNode }) {
  return (
    <Empty icon={IconAppWindow} title="No app yet">
      An app has keys of its own and channels that nobody else sees. {action ? <div style={{ marginTop: 16 }}>{action}</div> : "Ask a developer of this account to create one."}
    </Empty>
  );
}

function NoAccount() {
  return (
    <Page title="Apps">
      <Empty icon={IconAppWindow} title="You are in no account">
        Ask somebody who is in one for an invitation.
      </Empty>
    </Page>
  );
}
