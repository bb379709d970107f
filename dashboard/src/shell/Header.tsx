import { ActionIcon, AppShell, Burger, Kbd, Menu, UnstyledButton } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useSession } from "../api/session";
import { IconKeyboard, IconLogout, IconSearch, IconUser } from "../parts/icons";
import classes from "./Frame.module.css";
import { Mark } from "./Mark";
import { openSearch, openShortcuts } from "./opened";
import { SchemeItems } from "./SchemeItems";
import { useLeave } from "./useLeave";

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

export function Header({ menuOpen, onMenu }: { menuOpen: boolean; onMenu: () => void }) {
  return (
    <AppShell.Header className={classes.header}>
      <Burger opened={menuOpen} onClick={onMenu} hiddenFrom="md" size="sm" aria-label="Pages" aria-expanded={menuOpen} />
      <Link to="/" className={classes.brand} aria-label="Bellwire: your apps">
        <Mark />
        <span>Bellwire</span>
      </Link>
      <UnstyledButton className={classes.search} onClick={openSearch} ml="auto">
        <IconSearch size={16} aria-hidden />
        <span>Search pages and apps</span>
        <Kbd size="xs" aria-hidden>{isMac ? "⌘" : "Ctrl"} K</Kbd>
      </UnstyledButton>
      <UserMenu />
    </AppShell.Header>
  );
}

function UserMenu() {
  const { user } = useSession();
  const leave = useLeave();
  return (
    <Menu position="bottom-end" width={240} withinPortal>
      <Menu.Target>
        <ActionIcon variant="default" size={34} radius="xl" aria-label={`You: ${user.name}`}>
          {initials(user.name)}
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {user.name}
          <br />
          {user.email}
        </Menu.Label>
        <Menu.Item component={Link} to="/me" leftSection={<IconUser size={16} />}>
          Profile and sessions
        </Menu.Item>
        <Menu.Item leftSection={<IconKeyboard size={16} />} onClick={openShortcuts} rightSection={<Kbd size="xs">?</Kbd>}>
          Keyboard shortcuts
        </Menu.Item>
        <Menu.Divider />
        <SchemeItems />
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={leave}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function initials(name: string): string {
  const letters = name.split(/\s+/).filter(Boolean).map((word) => [...word][0] ?? "");
  return ((letters[0] ?? "?") + (letters.length > 1 ? letters.at(-1) : "")).toUpperCase();
}
