import { Anchor, Table, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { place } from "../../api/base";
import type { App } from "../../api/apps";
import { Copy } from "../../parts/Copy";

/** What an SDK is told. */
export function Facts({ app }: { app: App }) {
  const { host, port, tls } = place();
  return (
    <>
      <Table withRowBorders={false} verticalSpacing={3} horizontalSpacing={0}>
        <Table.Tbody>
          <Line name="app_id" value={app.id} />
          <Line name="key" value={app.key} />
          <Line name="cluster" value={app.cluster || "self"} />
          <Line name="host" value={host} />
          <Line name="port" value={`${port}`} note={tls ? "TLS" : "no TLS"} />
        </Table.Tbody>
      </Table>
      <Text size="sm" mt="xs">
        The secret is under{" "}
        <Anchor component={Link} to="/apps/$appId/keys" params={{ appId: app.id } as never} inherit>
          App keys
        </Anchor>
        .
      </Text>
    </>
  );
}

function Line({ name, value, note }: { name: string; value: string | null; note?: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th scope="row" w={90} fw={500} c="dimmed">
        {name}
      </Table.Th>
      <Table.Td>
        <span className="mono">{value ?? "none is active"}</span>
        {note && (
          <Text span size="xs" c="dimmed" ml={6}>
            {note}
          </Text>
        )}
      </Table.Td>
      <Table.Td w={34}>{value && <Copy text={value} what={name} />}</Table.Td>
    </Table.Tr>
  );
}
