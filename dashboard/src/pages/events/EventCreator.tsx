import { Alert } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { useApp } from "../../api/apps";
import type { OutgoingEvent, Received } from "../../api/live";
import { may } from "../../format/role";
import { Page } from "../../parts/Page";
import { Panel } from "../../parts/Panel";
import classes from "./EventCreator.module.css";
import { EventForm } from "./EventForm";
import { type Sent, SentList } from "./SentList";

const route = getRouteApi("/inside/apps/$appId");
const KEPT = 20;

export default function EventCreator() {
  const { appId } = route.useParams();
  const app = useApp(appId).data;
  const [sent, setSent] = useState<Sent[]>([]);
  const [chosen, setChosen] = useState<OutgoingEvent>();
  const add = (event: OutgoingEvent, received: Received) =>
    setSent((before) => [{ event, received, at: new Date().toISOString() }, ...before].slice(0, KEPT));
  return (
    <Page title="Event creator" lead="Sends an event as your server would. What clients send among themselves (client-…) comes from clients only.">
      {app && !may(app.role, "developer") ? (
        <Alert color="blue">Sending events is for developers of the account.</Alert>
      ) : (
        <div className={classes.columns}>
          <Panel title="Event">
            <EventForm key={JSON.stringify(chosen)} appId={appId} initial={chosen} onSent={add} />
          </Panel>
          <Panel title="Sent" lead="In this window, newest first.">
            <SentList appId={appId} sent={sent} onAgain={setChosen} />
          </Panel>
        </div>
      )}
    </Page>
  );
}
