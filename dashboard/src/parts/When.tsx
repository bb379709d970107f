import { Tooltip } from "@mantine/core";
import { ago, moment, utc } from "../format/moment";
import { useNow } from "./useNow";

/** A time in the reader's zone; the hint tells UTC. */
export function When({ at, relative }: { at: string; relative?: boolean }) {
  return (
    <Tooltip label={relative ? `${moment(at)} · ${utc(at)}` : utc(at)} withinPortal>
      <time dateTime={at} className="nums">
        {relative ? <Ago at={at} /> : moment(at)}
      </time>
    </Tooltip>
  );
}

function Ago({ at }: { at: string }) {
  return <>{ago(at, useNow(10_000))}</>;
}
