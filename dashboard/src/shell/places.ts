import type { Icon } from "@tabler/icons-react";
import * as icons from "../parts/icons";

/** A page that the navigation and the search lead to. */
export interface Place<To extends string = string> {
  to: To;
  label: string;
  icon: Icon;
  /** The second key of `g …`. */
  key?: string;
  /** More words by which it is found. */
  words?: string;
}

export interface Group<To extends string = string> {
  label: string;
  places: Place<To>[];
}

const app = <const To extends string>(to: To, label: string, icon: Icon, key?: string, words?: string) => ({
  to: `/apps/$appId/${to}` as const,
  label,
  icon,
  key,
  words,
});

export const APP_GROUPS = [
  {
    label: "App",
    places: [
      app("overview", "Overview", icons.IconLayoutDashboard, "o"),
      app("getting-started", "Getting started", icons.IconRocket, "b", "snippets code sdk laravel"),
      app("stats", "Stats", icons.IconChartLine, "s", "charts messages latency"),
      app("errors", "Error log", icons.IconAlertTriangle, "e", "refusals failed"),
    ],
  },
  {
    label: "Live",
    places: [
      app("console", "Debug console", icons.IconTerminal2, "c", "log live"),
      app("events", "Event creator", icons.IconSend, "v", "send publish trigger"),
      app("channels", "Channels", icons.IconBroadcast, "h", "occupied cache presence"),
      app("people", "People", icons.IconUsers, "p", "users connections sockets disconnect"),
    ],
  },
  {
    label: "Webhooks",
    places: [
      app("webhooks", "Webhooks", icons.IconWebhook, "w", "endpoints signing secret"),
      app("deliveries", "Deliveries", icons.IconListDetails, "d", "log attempts"),
      app("replays", "Replays", icons.IconRotateClockwise2, "r", "resend again"),
    ],
  },
  {
    label: "Configure",
    places: [
      app("keys", "App keys", icons.IconKey, "k", "secret credentials"),
      app("settings", "Settings", icons.IconSettings, "t", "limits client events tls delete"),
    ],
  },
] as const satisfies Group[];

export const ACCOUNT_GROUPS = [
  {
    label: "Account",
    places: [
      { to: "/", label: "Apps", icon: icons.IconAppWindow, key: "a" },
      { to: "/account/usage", label: "Plan and usage", icon: icons.IconGauge, key: "u", words: "limits" },
      { to: "/account/members", label: "Members", icon: icons.IconUsers, key: "m", words: "invite people roles" },
      { to: "/account/tokens", label: "API tokens", icon: icons.IconTicket, words: "management bearer" },
      { to: "/account/audit", label: "Audit log", icon: icons.IconHistory, words: "who changed" },
    ],
  },
] as const satisfies Group[];

export const OPERATOR_PLACES = [
  {
    to: "/operator/accounts",
    label: "All accounts",
    icon: icons.IconBuildingCommunity,
    words: "operator plans create",
  },
  {
    to: "/operator/nodes",
    label: "Nodes",
    icon: icons.IconServer,
    words: "operator cluster machines bus database degraded",
  },
] as const satisfies Place[];

export const ME_PLACE = {
  to: "/me",
  label: "Profile and sessions",
  icon: icons.IconUser,
  words: "password name sign out",
} as const satisfies Place;
