import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { dashboardPath } from "./api/base";
import { Problem } from "./api/problem";
import { queryClient } from "./api/queryClient";
import { sessionQuery } from "./api/session";
import { Failed } from "./shell/Failed";
import { Frame } from "./shell/Frame";
import { NotThere } from "./shell/NotThere";
import { Waiting } from "./shell/Waiting";

/** All that stands after `?` is text: filters of lists. */
export type Search = Record<string, string | undefined>;

const root = createRootRoute({
  component: Outlet,
  notFoundComponent: NotThere,
  validateSearch: (search: Search): Search => search,
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "sign-in",
  component: lazyRouteComponent(() => import("./pages/sign-in/SignIn"), "SignIn"),
});

const setup = createRoute({
  getParentRoute: () => root,
  path: "setup",
  component: lazyRouteComponent(() => import("./pages/sign-in/Setup"), "Setup"),
});

const invite = createRoute({
  getParentRoute: () => root,
  path: "invite",
  component: lazyRouteComponent(() => import("./pages/sign-in/Invite"), "Invite"),
});

/** Behind the sign-in. */
const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: Frame,
  beforeLoad: async ({ location }) => {
    try {
      await queryClient.ensureQueryData(sessionQuery);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error;
      throw redirect({ to: "/sign-in", search: { back: location.href } });
    }
  },
});

const page = <const Path extends string>(path: Path, load: Parameters<typeof lazyRouteComponent>[0]) =>
  createRoute({ getParentRoute: () => inside, path, component: lazyRouteComponent(load) });

const ofApp = createRoute({ getParentRoute: () => inside, path: "apps/$appId", component: Outlet });

const appPage = <const Path extends string>(path: Path, load: Parameters<typeof lazyRouteComponent>[0]) =>
  createRoute({ getParentRoute: () => ofApp, path, component: lazyRouteComponent(load) });

const appIndex = createRoute({
  getParentRoute: () => ofApp,
  path: "/",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/apps/$appId/overview", params: { appId: (params as { appId: string }).appId } });
  },
});

const appTree = ofApp.addChildren([
  appIndex,
  appPage("overview", () => import("./pages/overview/Overview")),
  appPage("getting-started", () => import("./pages/getting-started/GettingStarted")),
  appPage("keys", () => import("./pages/keys/Keys")),
  appPage("console", () => import("./pages/console/Console")),
  appPage("events", () => import("./pages/events/EventCreator")),
  appPage("channels", () => import("./pages/channels/Channels")),
  appPage("channels/$channel", () => import("./pages/channels/Channel")),
  appPage("people", () => import("./pages/people/People")),
  appPage("connections/$socketId", () => import("./pages/people/ConnectionStory")),
  appPage("webhooks", () => import("./pages/webhooks/Webhooks")),
  appPage("webhooks/$id", () => import("./pages/webhooks/WebhookPage")),
  appPage("deliveries", () => import("./pages/deliveries/Deliveries")),
  appPage("deliveries/$id", () => import("./pages/deliveries/DeliveryPage")),
  appPage("replays", () => import("./pages/replays/Replays")),
  appPage("stats", () => import("./pages/stats/StatsPage")),
  appPage("errors", () => import("./pages/errors/ErrorLog")),
  appPage("settings", () => import("./pages/settings/Settings")),
]);

const tree = root.addChildren([
  signIn,
  setup,
  invite,
  inside.addChildren([
    page("/", () => import("./pages/apps/Apps")),
    appTree,
    page("account/usage", () => import("./pages/usage/UsagePage")),
    page("account/members", () => import("./pages/members/Members")),
    page("account/tokens", () => import("./pages/tokens/Tokens")),
    page("account/audit", () => import("./pages/audit/Audit")),
    page("me", () => import("./pages/me/Me")),
    page("operator/accounts", () => import("./pages/operator/Accounts")),
    page("operator/nodes", () => import("./pages/operator/Nodes")),
  ]),
]);

export const router = createRouter({
  routeTree: tree,
  basepath: dashboardPath,
  defaultPreload: "intent",
  defaultErrorComponent: Failed,
  defaultPendingComponent: Waiting,
  defaultPendingMs: 300,
  defaultNotFoundComponent: NotThere,
  scrollRestoration: true,
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const said = Object.entries(search).filter(([, value]) => value !== undefined && value !== "");
    const text = new URLSearchParams(said.map(([name, value]) => [name, String(value)])).toString();
    return text && `?${text}`;
  },
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

let leaving = false;

/** To the sign-in, and afterwards back to here. Nothing of who was signed in stays. */
export async function leave() {
  const { pathname, href } = router.state.location;
  if (leaving || ["/sign-in", "/setup", "/invite"].includes(pathname)) return;
  leaving = true;
  await router.navigate({ to: "/sign-in", search: { back: href } });
  queryClient.clear();
  leaving = false;
}
