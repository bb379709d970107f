// Every page in every dress: no serious problem for whoever cannot see or point, no foreign request,
// no script of somebody else. E2E_SCREENSHOTS=1 writes docs/img/dashboard/.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { freePort, House, Receiver, setUp, signIn } from "./house.mjs";
import { DRESSES, look } from "./look.mjs";
import { seed } from "./seed.mjs";

const pages = ({ app, hook, delivery, socket }) => ({
  apps: "",
  overview: `apps/${app}/overview`,
  "getting-started": `apps/${app}/getting-started`,
  keys: `apps/${app}/keys`,
  console: `apps/${app}/console`,
  "event-creator": `apps/${app}/events`,
  channels: `apps/${app}/channels`,
  channel: `apps/${app}/channels/presence-lobby`,
  people: `apps/${app}/people`,
  connection: `apps/${app}/connections/${socket}`,
  webhooks: `apps/${app}/webhooks`,
  webhook: `apps/${app}/webhooks/${hook}`,
  deliveries: `apps/${app}/deliveries`,
  delivery: `apps/${app}/deliveries/${delivery}`,
  replays: `apps/${app}/replays`,
  stats: `apps/${app}/stats?range=1h`,
  "error-log": `apps/${app}/errors`,
  settings: `apps/${app}/settings`,
  usage: "account/usage",
  members: "account/members",
  tokens: "account/tokens",
  audit: "account/audit",
  me: "me",
  accounts: "operator/accounts",
  nodes: "operator/nodes",
  "not-there": "nothing/here",
});

let house;
let receiver;
let world;

before(async () => {
  house = await House.open();
  receiver = await Receiver.at(await freePort());
  await receiver.up();
  const context = await house.browser();
  await setUp(await house.page(context), house);
  world = await seed(house, receiver);
});

after(async () => {
  world?.close();
  await receiver?.down();
  await house?.close();
});

for (const [dress, options] of Object.entries(DRESSES)) {
  test(`pages in ${dress}`, async (context) => {
    const browser = await house.browser(options);
    const page = await house.page(browser);
    await page.goto(`${house.base}sign-in`);
    await context.test(`sign-in in ${dress}`, () => look(page, dress, "sign-in"));
    await signIn(page, house);
    for (const [name, path] of Object.entries(pages(world))) {
      await context.test(`${name} in ${dress}`, async () => {
        await page.goto(`${house.base}${path}`);
        if (name === "console") await chatter(page);
        await look(page, dress, name);
      });
    }
    await browser.close();
  });
}

test("nothing was asked of anybody else, nothing broke, no markup ran", () => {
  assert.deepEqual(house.outside, []);
  assert.deepEqual(house.broken, []);
});

/** The console shows what happens while somebody looks. */
async function chatter(page) {
  await page.getByRole("main").getByText("Live", { exact: true }).waitFor();
  await world.talk();
  await page.getByRole("button", { name: /Client event/ }).first().waitFor();
}
