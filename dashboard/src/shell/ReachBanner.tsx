import { Alert } from "@mantine/core";
import { useEffect, useSyncExternalStore } from "react";
import { api } from "../api/client";
import { reach } from "../api/reach";
import { IconPlugConnected } from "../parts/icons";

const ASK_MS = 2000;

/** Says that the server does not answer and asks until it does; then all is loaded anew. */
export function ReachBanner() {
  const reachable = useSyncExternalStore(reach.subscribe, reach.is);
  useEffect(() => {
    if (reachable) return;
    const timer = setInterval(() => void api.read(["session"]).catch(() => {}), ASK_MS);
    return () => clearInterval(timer);
  }, [reachable]);
  if (reachable) return null;
  return (
    <Alert role="status" color="orange" radius={0} py="xs" icon={<IconPlugConnected aria-hidden />}>
      The server does not answer. What you see may be old; the page continues by itself as soon as it is back.
    </Alert>
  );
}
