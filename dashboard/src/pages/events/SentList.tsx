import { Anchor, Button, Group, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { OutgoingEvent, Received } from "../../api/live";
import { plural } from "../../format/number";
import { When } from "../../parts/When";
import classes from "./EventCreator.module.css";

export interface Sent {
  event: OutgoingEvent;
  received: Received;
  at: string;
}

interface Props {
  appId: string;
  sent: Sent[];
  onAgain: (event: OutgoingEvent) => void;
}

export function SentList({ appId, sent, onAgain }: Props) {
  if (sent.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        Nothing yet. Who received an event is shown here.
      </Text>
    );
  }
  return (
    <ul className={classes.sent} aria-live="polite">
      {sent.map(({ event, received, at }) => (
        <li key={at}>
          <Group justify="space-between" wrap="nowrap" align="flex-start">
            <div>
              <Text size="sm" fw={550}>
                {event.name}
              </Text>
              {received.channels.map((channel) => (
                <Text key={channel.name} size="sm" component="div" style={{ overflowWrap: "anywhere" }}>
                  {reached(channel.subscriptions)}{" "}
                  <Anchor component={Link} to="/apps/$appId/channels/$channel" params={{ appId, channel: channel.name } as never} inherit>
                    {channel.name}
                  </Anchor>
                </Text>
              ))}
              <Text size="xs" c="dimmed" component="div">
                <When at={at} relative />
              </Text>
            </div>
            <Button size="compact-xs" variant="default" onClick={() => onAgain({ ...event })}>
              Edit again
            </Button>
          </Group>
        </li>
      ))}
    </ul>
  );
}

const reached = (subscriptions: number) =>
  subscriptions === 0 ? "Nobody subscribes to" : `${plural(subscriptions, "connection")} got it on`;
