import { Group, Stack, Text } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { type ErrorGroup, useErrors } from "../../api/stats";
import { plural } from "../../format/number";
import { Empty } from "../../parts/Empty";
import { FactList } from "../../parts/FactList";
import { IconCircleCheck } from "../../parts/icons";
import { Bones } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { Panel } from "../../parts/Panel";
import { Tag } from "../../parts/Status";
import { Trouble } from "../../parts/Trouble";
import { When } from "../../parts/When";
import { SpanFilter, useSpan } from "./SpanFilter";

const route = getRouteApi("/inside/apps/$appId");

export default function ErrorLog() {
  const { appId } = route.useParams();
  const [span, setSpan] = useSpan();
  const listing = useErrors(appId, { from: span.from });
  return (
    <Page title="Error log" lead="What was refused or failed, grouped and counted, with what to do about it." actions={<SpanFilter value={span.name} onChange={setSpan} />}>
      {listing.isLoading && <Bones />}
      {listing.error ? <Trouble error={listing.error} /> : null}
      {!listing.isLoading && !listing.error && listing.rows.length === 0 && <AllWell />}
      <Stack gap="sm">
        {listing.rows.map((group) => (
          <ErrorCard key={group.id} group={group} />
        ))}
      </Stack>
    </Page>
  );
}

const KINDS: Record<ErrorGroup["kind"], string> = {
  connection: "Connection refused",
  auth: "Authorization",
  api: "API",
  client: "Said to a client",
  limit: "Over a limit",
};

function ErrorCard({ group }: { group: ErrorGroup }) {
  const { sample } = group;
  const facts: [string, string | null][] = [
    ["Socket", sample.socket_id],
    ["Address", sample.address],
    ["Channel", sample.channel],
    ["Origin", sample.origin],
  ];
  const known = facts.filter((fact): fact is [string, string] => fact[1] !== null);
  return (
    <Panel>
      <Group justify="space-between" align="flex-start" gap="sm">
        <div style={{ flex: "1 1 340px", minWidth: 0 }}>
          <Group gap="xs" mb={4}>
            <Tag>{KINDS[group.kind] ?? group.kind}</Tag>
            {group.code !== null && <Tag mono>{group.code}</Tag>}
          </Group>
          <Text fw={600} style={{ overflowWrap: "anywhere" }}>
            {group.message}
          </Text>
          {group.fix && (
            <Text size="sm" mt={4}>
              {group.fix}
            </Text>
          )}
        </div>
        <div style={{ textAlign: "right", marginLeft: "auto" }}>
          <Text fw={650} className="nums">
            {plural(group.count, "time")}
          </Text>
          <Text size="xs" c="dimmed" component="div">
            last <When at={group.last_at} relative />
            <br />
            first <When at={group.first_at} relative />
          </Text>
        </div>
      </Group>
      {known.length > 0 && (
        <details style={{ marginTop: "0.75rem" }}>
          <summary style={{ cursor: "pointer", fontSize: "0.85rem" }}>One of them</summary>
          <div style={{ marginTop: "0.6rem" }}>
            <FactList facts={known} />
          </div>
        </details>
      )}
    </Panel>
  );
}

function AllWell() {
  return (
    <Empty icon={IconCircleCheck} title="Nothing was refused and nothing failed">
      Refused connections, failed authorizations, API errors and limits that were reached appear here.
    </Empty>
  );
}
