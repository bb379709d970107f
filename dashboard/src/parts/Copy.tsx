import { ActionIcon, Tooltip } from "@mantine/core";
import { useState } from "react";
import { IconCheck, IconCopy } from "./icons";
import { tell } from "./tell";

/** The clipboard of pages that have no TLS is the old command only. */
export async function toClipboard(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.style.position = "fixed";
  area.style.opacity = "0";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("The browser does not let this page copy: select the text and copy it yourself.");
}

export function useCopy() {
  const [copied, setCopied] = useState(false);
  const copy = (text: string) =>
    toClipboard(text).then(
      () => {
        setCopied(true);
        setTimeout(() => setCopied(false), 1500);
      },
      (error: unknown) => void tell.trouble(error),
    );
  return { copied, copy };
}

export function Copy({ text, what }: { text: string; what: string }) {
  const { copied, copy } = useCopy();
  return (
    <Tooltip label={copied ? "Copied" : `Copy ${what}`} withinPortal>
      <ActionIcon variant="subtle" color="gray" onClick={() => void copy(text)} aria-label={`Copy ${what}`}>
        {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
      </ActionIcon>
    </Tooltip>
  );
}
