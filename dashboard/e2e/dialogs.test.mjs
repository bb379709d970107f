// What opens over a page: no serious problem, the focus goes in, Escape leads out.
import { AxeBuilder } from "@axe-core/playwright";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { freePort, House, Receiver, setUp } from "./house.mjs";
import { seed } from "./seed.mjs";

let house;
let receiver;
let world;
let page;

before(async () => {
  house = await House.open();
  receiver = await Receiver.at(await freePort());
  await receiver.up();
  page = await house.page(await house.browser());
  await setUp(page, house);
  world = await seed(house, receiver);
});

after(async () => {
  world?.close();
  await receiver?.down();
  await house?.close();
});

const button = (name) => () => page.getByRole("main").getByRole("button", { name }).first().click();

const DIALOGS = {
  "new app": [() => "", button("New app")],
  "add a webhook": [() => `apps/${world.app}/webhooks`, button("Add webhook")],
  "edit a webhook": [() => `apps/${world.app}/webhooks/${world.hook}`, button("Edit")],
  "replay many": [() => `apps/${world.app}/deliveries`, button("Replay many")],
  "delete an app": [() => `apps/${world.app}/settings`, button("Delete app")],
  "invite somebody": [() => "account/members", button("Invite somebody")],
  "new token": [() => "account/tokens", button("New token")],
  "new account": [() => "operator/accounts", button("New account")],
  "delete a key": [() => `apps/${world.app}/keys`, button(/Delete key/)],
  search: [() => "", () => page.keyboard.press("Control+k")],
  shortcuts: [() => "", () => page.keyboard.press("?")],
};

for (const colorScheme of ["light", "dark"]) {
  for (const [name, [path, open]] of Object.entries(DIALOGS)) {
    test(`${name} in ${colorScheme}`, async () => {
      await page.emulateMedia({ colorScheme });
      await page.goto(`${house.base}${path()}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await open();
      await check();
    });
  }
}

test("nothing broke", () => assert.deepEqual(house.broken, []));

async function check() {
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await page.evaluate(() => Promise.all(document.getAnimations().map((motion) => motion.finished.catch(() => {}))));
  await page.waitForFunction(() => document.activeElement.closest("[role=dialog]"));
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  assert.deepEqual(grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join("\n")}`), []);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
}
