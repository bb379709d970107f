import { Menu, ScrollArea, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { type Membership, useSession } from "../api/session";
import { IconCheck, IconChevronDown } from "../parts/icons";
import { chooseAccount, useCurrentAccount } from "./currentAccount";
import classes from "./Sidebar.module.css";

const ROLE_NAMES = { owner: "Owner", developer: "Developer", viewer: "Viewer" } as const;

export function AccountSwitcher() {
  const { accounts } = useSession();
  const current = useCurrentAccount();
  if (!current) return null;
  if (accounts.length === 1) return <Named account={current} />;
  return (
    <Menu width="target" position="bottom-start" withinPortal>
      <Menu.Target>
        <UnstyledButton className={classes.switch}>
          <VisuallyHidden>Switch account, now </VisuallyHidden>
          <Text account={current} />
          <IconChevronDown size={16} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Accounts</Menu.Label>
        <ScrollArea.Autosize mah={320}>
          {accounts.map((account) => (
            <Menu.Item
              key={account.id}
              onClick={() => chooseAccount(account.id)}
              rightSection={account.id === current.id ? <IconCheck size={16} aria-label="current" /> : null}
            >
              {account.name}
            </Menu.Item>
          ))}
        </ScrollArea.Autosize>
      </Menu.Dropdown>
    </Menu>
  );
}

function Named({ account }: { account: Membership }) {
  return (
    <div className={classes.switch}>
      <Text account={account} />
    </div>
  );
}

function Text({ account }: { account: Membership }) {
  return (
    <div className={classes.switchText}>
      <div className={classes.name}>{account.name}</div>
      <div className={classes.under}>{ROLE_NAMES[account.role]}</div>
    </div>
  );
}
