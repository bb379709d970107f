import { Tabs } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { Page } from "../../parts/Page";
import { SearchInput } from "../../parts/SearchInput";
import { useFilters } from "../../parts/useFilters";
import { Connections } from "./Connections";
import { Users } from "./Users";

const route = getRouteApi("/inside/apps/$appId");

export default function People() {
  const { appId } = route.useParams();
  const [filters, setFilters] = useFilters();
  const tab = filters.tab === "connections" ? "connections" : "users";
  const q = filters.q ?? "";
  return (
    <Page
      title="People"
      lead="Who is here now: users who signed in, and every connection, signed in or not."
      actions={<SearchInput label={tab === "users" ? "Search by user id" : "Search by socket or user id"} value={q} onChange={(said) => setFilters({ q: said })} />}
    >
      <Tabs value={tab} onChange={(next) => setFilters({ tab: next ?? "", q: "" })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="users">Signed-in users</Tabs.Tab>
          <Tabs.Tab value="connections">Connections</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="users">
          <Users appId={appId} q={q} />
        </Tabs.Panel>
        <Tabs.Panel value="connections">
          <Connections appId={appId} q={q} />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
