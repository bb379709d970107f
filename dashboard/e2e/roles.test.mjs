// Whoever is invited sees what their role may do, and no button that the server would refuse.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { freePort, House, PASSWORD, Receiver, setUp } from "./house.mjs";
import { Management, seed } from "./seed.mjs";

let house;
let receiver;
let world;
let management;

before(async () => {
  house = await House.open();
  receiver = await Receiver.at(await freePort());
  await receiver.up();
  await setUp(await house.page(await house.browser()), house);
  world = await seed(house, receiver);
  management = new Management(house);
  await management.signIn();
});

after(async () => {
  world?.close();
  await receiver?.down();
  await house?.close();
});

const pages = () => [
  "",
  ...[
    "overview",
    "getting-started",
    "keys",
    "console",
    "events",
    "channels",
    "channels/presence-lobby",
    "people",
    `connections/${world.socket}`,
    "webhooks",
    `webhooks/${world.hook}`,
    "deliveries",
    `deliveries/${world.delivery}`,
    "replays",
    "stats",
    "errors",
    "settings",
  ].map((path) => `apps/${world.app}/${path}`),
  "account/usage",
  "account/members",
  "account/tokens",
  "account/audit",
  "me",
  "operator/accounts",
  "operator/nodes",
];

/** Buttons that only look. */
const HARMLESS =
  /^(Copy|Copied|Pause|Clear|Tidy up|Save|Change password|Sign out|Attempt|Can this browser|Filter by|Try again|Copy as curl|\d+ new line)/;

test("an invited viewer sees every page, acts nowhere and is refused nothing", async () => {
  const page = await invited("viewer", "vic");
  const refused = [];
  page.on("response", (response) => response.status() === 403 && refused.push(response.url()));
  for (const path of pages()) {
    await page.goto(`${house.base}${path}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.getByTestId("bones").first().waitFor({ state: "detached" });
    const buttons = page.getByRole("main").locator("button:visible:not([role=tab]):not([aria-expanded])");
    const acts = (await buttons.allInnerTexts()).filter((text) => text && !HARMLESS.test(text));
    assert.deepEqual(acts, [], `on ${path}`);
  }
  assert.deepEqual(refused, []);
});

test("an invited developer may add a webhook but neither invite nor delete", async () => {
  const page = await invited("developer", "dora");
  await page.goto(`${house.base}apps/${world.app}/webhooks`);
  await page.getByRole("button", { name: "Add webhook" }).waitFor();
  await page.goto(`${house.base}apps/${world.app}/settings`);
  await page.getByRole("button", { name: "Switch off" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Delete app" }).count(), 0);
  await page.goto(`${house.base}account/members`);
  await page.getByText("Dora").first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Invite somebody" }).count(), 0);
});

test("a link works once", async () => {
  const { link } = await management.ask("POST", `accounts/${world.account}/invitations`, { role: "viewer" });
  await accept(link, "Uma", "uma@example.com");
  const late = await house.page(await house.browser());
  await late.goto(new URL(link, house.base).href);
  await late.getByRole("heading", { name: "This invitation does not work" }).waitFor();
});

async function invited(role, name) {
  const { link } = await management.ask("POST", `accounts/${world.account}/invitations`, { role });
  return accept(link, name[0].toUpperCase() + name.slice(1), `${name}@example.com`);
}

async function accept(link, name, email) {
  const page = await house.page(await house.browser());
  await page.goto(new URL(link, house.base).href);
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Join" }).click();
  await page.getByRole("heading", { name: "Apps", level: 1 }).waitFor();
  return page;
}
