import { Button } from "@mantine/core";
import type { ErrorComponentProps } from "@tanstack/react-router";
import { useRouter } from "@tanstack/react-router";
import { asProblem } from "../api/problem";
import { Page } from "../parts/Page";
import { Trouble } from "../parts/Trouble";

/** A page that broke, or whose code could not be fetched (the server was updated meanwhile). */
export function Failed({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const again = () => {
    reset();
    void router.invalidate();
  };
  return (
    <Page title="This page did not work">
      <Trouble error={asProblem(error)} retry={again} />
      <Button variant="subtle" onClick={() => window.location.reload()}>
        Load the dashboard anew
      </Button>
    </Page>
  );
}
