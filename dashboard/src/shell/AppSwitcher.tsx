import { UnstyledButton, VisuallyHidden } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { useApp } from "../api/apps";
import { nameOf } from "../format/name";
import { plural } from "../format/number";
import { IconArrowLeft, IconChevronDown } from "../parts/icons";
import { chooseAccount, useCurrentAccount } from "./currentAccount";
import { openSearch } from "./opened";
import classes from "./Sidebar.module.css";

/** Names the app one is in; a click searches for another. */
export function AppSwitcher({ appId }: { appId: string }) {
  const { data: app } = useApp(appId);
  const account = useCurrentAccount();
  const name = nameOf({ id: appId, name: app?.name ?? "" });
  const owner = app?.account_id;
  useEffect(() => {
    if (owner) chooseAccount(owner);
  }, [owner]);
  return (
    <div>
      <Link to="/" className={classes.back}>
        <IconArrowLeft size={14} aria-hidden />
        Apps of {account?.name ?? "your account"}
      </Link>
      <UnstyledButton className={classes.switch} onClick={openSearch}>
        <VisuallyHidden>Switch app, now </VisuallyHidden>
        <div className={classes.switchText}>
          <div className={classes.name}>{name}</div>
          <div className={classes.under}>{app ? stateOf(app) : "…"}</div>
        </div>
        <IconChevronDown size={16} aria-hidden />
      </UnstyledButton>
    </div>
  );
}

const stateOf = (app: { enabled: boolean; connections: number }) =>
  app.enabled ? `${plural(app.connections, "connection")} now` : "Disabled";
