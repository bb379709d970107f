import { NavLink, ScrollArea, Stack, Text } from "@mantine/core";
import { Link, useParams } from "@tanstack/react-router";
import { useSession } from "../api/session";
import { AccountSwitcher } from "./AccountSwitcher";
import { AppSwitcher } from "./AppSwitcher";
import { ACCOUNT_GROUPS, APP_GROUPS, type Group, ME_PLACE, OPERATOR_PLACES, type Place } from "./places";
import classes from "./Sidebar.module.css";

export function Sidebar() {
  const { appId } = useParams({ strict: false });
  return (
    <ScrollArea h="100%" type="scroll" viewportProps={{ tabIndex: -1 }}>
      <Stack gap="md" p="sm">
        {appId ? <AppSwitcher appId={appId} /> : <AccountSwitcher />}
        {appId ? <Groups groups={APP_GROUPS} appId={appId} /> : <AccountGroups />}
      </Stack>
    </ScrollArea>
  );
}

function AccountGroups() {
  const { user } = useSession();
  return (
    <>
      <Groups groups={ACCOUNT_GROUPS} />
      {user.operator && <Groups groups={[{ label: "Operator", places: [...OPERATOR_PLACES] }]} />}
      <Groups groups={[{ label: "You", places: [ME_PLACE] }]} />
    </>
  );
}

function Groups({ groups, appId }: { groups: readonly Group[]; appId?: string }) {
  return groups.map((group) => (
    <div key={group.label}>
      <Text className={classes.label}>{group.label}</Text>
      {group.places.map((place) => (
        <Entry key={place.to} place={place} appId={appId} />
      ))}
    </div>
  ));
}

function Entry({ place, appId }: { place: Place; appId?: string }) {
  const Picture = place.icon;
  return (
    <NavLink
      className={classes.entry}
      label={place.label}
      leftSection={<Picture size={18} stroke={1.7} aria-hidden />}
      renderRoot={(props) => (
        <Link
          {...props}
          to={place.to as "/"}
          params={{ appId } as never}
          search={{}}
          activeOptions={{ exact: place.to === "/", includeSearch: false }}
          activeProps={{ "aria-current": "page" }}
        />
      )}
    />
  );
}
