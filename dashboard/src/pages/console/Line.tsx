import { Anchor, Button, Group, Stack, UnstyledButton } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useSendEvent } from "../../api/live";
import { bytes, plural } from "../../format/number";
import { pretty } from "../../format/json";
import { moment, timeOf, utc } from "../../format/moment";
import { Code } from "../../parts/Code";
import { FactList } from "../../parts/FactList";
import { IconSend } from "../../parts/icons";
import { Status } from "../../parts/Status";
import { tell } from "../../parts/tell";
import classes from "./Console.module.css";
import { type LogLine, summary, TYPES } from "./lines";

interface Props {
  appId: string;
  line: LogLine;
  open: boolean;
  onToggle: () => void;
  mayResend: boolean;
}

export function Line({ appId, line, open, onToggle, mayResend }: Props) {
  const { label, tone } = TYPES[line.type] ?? { label: line.type, tone: "idle" };
  return (
    <>
      <UnstyledButton className={`${classes.line} ${line.node === null ? "" : classes.ofNode}`} aria-expanded={open} onClick={onToggle}>
        <Status tone={tone}>{label}</Status>
        <span className={`${classes.socket} mono`}>{line.socket_id}</span>
        <span className={classes.detail}>{summary(line)}</span>
        {line.node !== null && (
          <span className={classes.node} title={`Node ${line.node}`}>
            {line.node}
          </span>
        )}
        <time className={classes.time} dateTime={line.at} title={utc(line.at)}>
          {timeOf(line.at)}
        </time>
      </UnstyledButton>
      {open && <Opened appId={appId} line={line} mayResend={mayResend} />}
    </>
  );
}

function Opened({ appId, line, mayResend }: Pick<Props, "appId" | "line" | "mayResend">) {
  return (
    <Stack gap="sm" className={classes.open}>
      <FactList facts={factsOf(appId, line)} />
      {line.payload !== null && <Code text={pretty(line.payload)} copies={line.payload} label="payload" />}
      {mayResend && line.type === "api_message" && <Resend appId={appId} line={line} />}
    </Stack>
  );
}

function factsOf(appId: string, line: LogLine): [string, ReactNode][] {
  const facts: [string, ReactNode][] = [["Time", `${moment(line.at)} (${utc(line.at)})`]];
  if (line.node) facts.push(["Node", line.node]);
  if (line.detail) facts.push(["Details", line.detail]);
  if (line.channel) facts.push(["Channel", <ChannelLink key="channel" appId={appId} channel={line.channel} />]);
  if (line.event) facts.push(["Event", line.event]);
  if (line.user_id) facts.push(["User", line.user_id]);
  if (line.socket_id) facts.push(["Socket", <SocketLink key="socket" appId={appId} socketId={line.socket_id} />]);
  if (line.payload !== null) facts.push(["Payload", line.truncated ? `${bytes(line.bytes)}, of which the beginning is shown` : bytes(line.bytes)]);
  return facts;
}

function ChannelLink({ appId, channel }: { appId: string; channel: string }) {
  return (
    <Anchor component={Link} to="/apps/$appId/channels/$channel" params={{ appId, channel } as never} inherit>
      {channel}
    </Anchor>
  );
}

function SocketLink({ appId, socketId }: { appId: string; socketId: string }) {
  return (
    <Anchor component={Link} to="/apps/$appId/connections/$socketId" params={{ appId, socketId } as never} inherit className="mono">
      {socketId}
    </Anchor>
  );
}

/** Publishes the same again; of what was cut short the rest is not known. */
function Resend({ appId, line }: { appId: string; line: LogLine }) {
  const send = useSendEvent(appId);
  const { channel, event, payload, truncated } = line;
  if (!channel || !event || payload === null) return null;
  const again = () =>
    send.mutate(
      { channel, name: event, data: payload },
      {
        onSuccess: ({ channels }) => void tell.done(`Sent again to ${plural(channels.reduce((n, c) => n + c.subscriptions, 0), "connection")}.`),
        onError: (error) => void tell.trouble(error),
      },
    );
  return (
    <Group>
      <Button size="xs" variant="default" leftSection={<IconSend size={14} />} loading={send.isPending} disabled={truncated} onClick={again}>
        {truncated ? "Too long to send again" : "Send again"}
      </Button>
    </Group>
  );
}
