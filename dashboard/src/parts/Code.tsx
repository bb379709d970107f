import { Button } from "@mantine/core";
import { useCopy } from "./Copy";
import { IconCheck, IconCopy } from "./icons";
import classes from "./Code.module.css";

interface Props {
  text: string;
  /** What it is, for whoever does not see it. */
  label: string;
  tall?: boolean;
  /** What is copied, where that is more than what is shown. */
  copies?: string;
}

/** Text to read and to copy: code, a request, a payload. */
export function Code({ text, label, tall, copies }: Props) {
  const { copied, copy } = useCopy();
  return (
    <div className={classes.frame}>
      <pre className={tall ? classes.tall : classes.text} tabIndex={0} role="region" aria-label={label}>
        {text}
      </pre>
      <Button
        className={classes.copy}
        size="compact-xs"
        variant="default"
        leftSection={copied ? <IconCheck size={13} /> : <IconCopy size={13} />}
        onClick={() => void copy(copies ?? text)}
        aria-label={`Copy ${label}`}
      >
        {copied ? "Copied" : "Copy"}
      </Button>
    </div>
  );
}
