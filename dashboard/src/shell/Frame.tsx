import { AppShell } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Outlet, useLocation } from "@tanstack/react-router";
import { useEffect } from "react";
import classes from "./Frame.module.css";
import { Header } from "./Header";
import { ReachBanner } from "./ReachBanner";
import { SearchEverywhere } from "./SearchEverywhere";
import { Shortcuts } from "./Shortcuts";
import { Sidebar } from "./Sidebar";

/** Around every page behind the sign-in: header, navigation, search, shortcuts. */
export function Frame() {
  const [open, { toggle, close }] = useDisclosure(false);
  const { pathname } = useLocation();
  useEffect(close, [pathname, close]);
  return (
    <>
      <a className="skip" href="#main" onClick={skip}>
        Skip to the page
      </a>
      <AppShell
        header={{ height: 56 }}
        navbar={{ width: 248, breakpoint: "md", collapsed: { mobile: !open } }}
        withBorder={false}
      >
        <Header menuOpen={open} onMenu={toggle} />
        <AppShell.Navbar className={classes.navbar} aria-label="Pages">
          <Sidebar />
        </AppShell.Navbar>
        <AppShell.Main id="main" tabIndex={-1} className={classes.main}>
          <ReachBanner />
          <Outlet />
        </AppShell.Main>
      </AppShell>
      <SearchEverywhere />
      <Shortcuts />
    </>
  );
}

/** Not by the address: `<base>` would make it another page. */
function skip(event: { preventDefault: () => void }) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
