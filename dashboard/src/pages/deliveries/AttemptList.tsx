import { Accordion, Group, Text } from "@mantine/core";
import type { Attempt } from "../../api/deliveries";
import { milliseconds } from "../../format/duration";
import { Code } from "../../parts/Code";
import { Status, Tag } from "../../parts/Status";
import { When } from "../../parts/When";

/** Every attempt, the newest first and open. */
export function AttemptList({ attempts }: { attempts: Attempt[] }) {
  if (attempts.length === 0) return null;
  const newest = attempts.toReversed();
  return (
    <Accordion variant="separated" defaultValue={String(newest[0]?.number)} multiple={false}>
      {newest.map((attempt) => (
        <Accordion.Item key={attempt.number} value={String(attempt.number)}>
          <Accordion.Control>
            <Group gap="md" wrap="wrap">
              <Text size="sm" fw={600}>
                Attempt {attempt.number}
              </Text>
              <Status tone={attempt.failure === null ? "good" : "bad"}>
                {attempt.status === null ? "No answer" : `HTTP ${attempt.status}`}
              </Status>
              {attempt.failure && <Tag>{attempt.failure}</Tag>}
              <Text size="sm" c="dimmed" className="nums" component="span">
                {milliseconds(attempt.duration_ms)}, <When at={attempt.at} />
              </Text>
            </Group>
          </Accordion.Control>
          <Accordion.Panel>
            <AttemptBody attempt={attempt} />
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  );
}

function AttemptBody({ attempt }: { attempt: Attempt }) {
  return (
    <>
      <Text size="sm" mb="xs">
        {sentence(attempt)}
      </Text>
      {attempt.response_body && <Code text={attempt.response_body} label={`answer to attempt ${attempt.number}`} />}
      {attempt.status !== null && !attempt.response_body && (
        <Text size="sm" c="dimmed">
          The answer had no body.
        </Text>
      )}
    </>
  );
}

function sentence({ detail, remote, retry_after_ms }: Attempt): string {
  const said = detail.charAt(0).toUpperCase() + detail.slice(1);
  const where = remote ? ` Dialled ${remote}.` : "";
  const wait = retry_after_ms === null ? "" : ` The receiver asked to wait ${milliseconds(retry_after_ms)}.`;
  return `${(said || "Accepted").replace(/\.$/, "")}.${where}${wait}`;
}
