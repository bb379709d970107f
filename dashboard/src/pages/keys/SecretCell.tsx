import { ActionIcon, Tooltip } from "@mantine/core";
import { useState } from "react";
import { revealSecret } from "../../api/apps";
import { Copy } from "../../parts/Copy";
import { IconEye, IconEyeOff } from "../../parts/icons";
import { tell } from "../../parts/tell";

/** Hidden until asked for, and asked for of the server: it notes who looked. */
export function SecretCell({ appId, appKey }: { appId: string; appKey: string }) {
  const [secret, setSecret] = useState<string>();
  const toggle = () => {
    if (secret) setSecret(undefined);
    else void revealSecret(appId, appKey).then(setSecret, tell.trouble);
  };
  const label = secret ? "Hide the secret" : "Show the secret (this is noted in the audit log)";
  return (
    <>
      <span className="mono">{secret ?? "••••••••••••••••••••"}</span>
      <Tooltip label={label} withinPortal>
        <ActionIcon variant="subtle" color="gray" onClick={toggle} aria-label={`${label}, of key ${appKey}`}>
          {secret ? <IconEyeOff size={16} /> : <IconEye size={16} />}
        </ActionIcon>
      </Tooltip>
      {secret && <Copy text={secret} what="secret" />}
    </>
  );
}
