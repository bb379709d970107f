import { Alert, Anchor, Button, Group, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { asProblem } from "../api/problem";
import { IconAlertCircle } from "./icons";

/** A refusal or a failure as a sentence, with a way out. */
export function Trouble({ error, retry }: { error: unknown; retry?: () => void }) {
  const problem = asProblem(error);
  return (
    <Alert color="red" icon={<IconAlertCircle aria-hidden />} title={titleOf(problem.status, problem.title)} my="md">
      <Text size="sm">{problem.message}</Text>
      <Group mt="sm" gap="md">
        {retry && (
          <Button size="xs" variant="default" onClick={retry}>
            Try again
          </Button>
        )}
        <Anchor component={Link} to="/" size="sm">
          Back to your apps
        </Anchor>
      </Group>
    </Alert>
  );
}

function titleOf(status: number, title: string): string {
  if (status === 404) return "Not there";
  if (status === 403) return "Not allowed";
  return title;
}
