import { Anchor, Group, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useErrors } from "../../api/stats";
import { plural } from "../../format/number";
import { Panel } from "../../parts/Panel";
import { When } from "../../parts/When";

const SHOWN = 3;

export function RecentErrors({ appId }: { appId: string }) {
  const listing = useErrors(appId, {});
  if (listing.error || listing.isLoading) return null;
  return (
    <Panel
      title="Error log"
      actions={
        <Anchor component={Link} to="/apps/$appId/errors" params={{ appId } as never} size="sm">
          All errors
        </Anchor>
      }
    >
      {listing.rows.length === 0 && (
        <Text size="sm" c="dimmed">
          Nothing was refused and nothing failed.
        </Text>
      )}
      <Stack gap="xs">
        {listing.rows.slice(0, SHOWN).map((group) => (
          <Group key={group.id} justify="space-between" wrap="nowrap" align="flex-start">
            <Text size="sm" style={{ overflowWrap: "anywhere" }}>
              {group.message}
            </Text>
            <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }} component="div">
              {plural(group.count, "time")}, last <When at={group.last_at} relative />
            </Text>
          </Group>
        ))}
      </Stack>
    </Panel>
  );
}
