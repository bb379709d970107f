import { Anchor } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Empty } from "../parts/Empty";
import { IconSearch } from "../parts/icons";
import { Page } from "../parts/Page";

export function NotThere() {
  return (
    <main>
      <Page title="No such page">
        <Empty icon={IconSearch} title="Nothing is at this address">
          The link may be old or mistyped. <Anchor component={Link} to="/">Go to your apps</Anchor>, or press Ctrl or ⌘ and K to search.
        </Empty>
      </Page>
    </main>
  );
}
