// What people do beside looking: keys, settings, people, webhooks, replays, tokens, plans, members.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { freePort, House, Receiver, setUp, until } from "./house.mjs";
import { Management, seed } from "./seed.mjs";

let house;
let receiver;
let world;
let page;
let management;

before(async () => {
  house = await House.open();
  receiver = await Receiver.at(await freePort());
  await receiver.up();
  page = await house.page(await house.browser());
  await setUp(page, house);
  management = new Management(house);
  await management.signIn();
  world = await seed(house, receiver);
});

after(async () => {
  world?.close();
  await receiver?.down();
  await house?.close();
});

const app = (path) => `apps/${world.app}${path}`;
const open = (path) => page.goto(`${house.base}${path}`);
const press = (name) => page.getByRole("button", { name, exact: true }).first().click();
const pressInDialog = (name) => page.getByRole("dialog").getByRole("button", { name, exact: true }).click();
const read = (text) => page.getByText(text).first().waitFor();

test("a key is made, shown, deactivated and deleted", async () => {
  await open(app("/keys"));
  await press("New key");
  const secret = await page.getByLabel("secret", { exact: true }).innerText();
  await press("I have kept it");
  const { keys } = await management.ask("GET", app("/keys"));
  assert.equal(keys.length, 2);
  await page.getByRole("button", { name: `of key ${keys[1].key}` }).click();
  await read(secret);
  await page.getByRole("switch").nth(1).press("Space");
  await pressInDialog("Deactivate key");
  await until(async () => !(await management.ask("GET", app("/keys"))).keys[1].active, "the key to be inactive");
  await page.getByRole("button", { name: `Delete key ${keys[1].key}` }).click();
  await pressInDialog("Delete key");
  await until(async () => (await management.ask("GET", app("/keys"))).keys.length === 1, "the key to be gone");
});

test("settings are changed, and what cannot be is told at its field", async () => {
  await open(app("/settings"));
  await page.getByRole("switch", { name: "Watchlist events" }).press("Space");
  await page.getByLabel("Allowed origins, one a line").fill("not an origin");
  await press("Save settings");
  await read(/expected an origin like/);
  await page.getByLabel("Allowed origins, one a line").fill("https://shop.example");
  await press("Save settings");
  await read("Settings saved.");
  const { settings } = await management.ask("GET", app(""));
  assert.deepEqual([settings.watchlist, settings.allowed_origins], [true, ["https://shop.example"]]);
  await management.ask("PATCH", app(""), { settings: { allowed_origins: [] } });
});

test("a user is disconnected", async () => {
  await open(app("/people"));
  const earlier = await management.ask("GET", app("/connections"));
  await press("Disconnect ben");
  await pressInDialog("Disconnect user");
  const gone = async () => {
    const { connections } = await management.ask("GET", app("/connections"));
    return !connections.some(({ socket_id }) => earlier.connections.find((old) => old.socket_id === socket_id)?.user_id === "ben");
  };
  await until(gone, "ben's connection to end");
});

test("a webhook is tested, disabled, enabled, and gets another secret", async () => {
  const hook = app(`/webhooks/${world.hook}`);
  await open(hook);
  const heard = receiver.heard.length;
  await press("Send a test");
  await until(() => receiver.heard.length > heard, "the test to arrive");
  for (const [act, enabled] of [["Disable", false], ["Enable", true]]) {
    await press("More");
    await page.getByRole("menuitem", { name: act, exact: true }).click();
    await until(async () => (await management.ask("GET", hook)).enabled === enabled, `the webhook to be ${act}d`);
    await read(`Webhook ${act.toLowerCase()}d.`);
  }
  await press("More");
  await page.getByRole("menuitem", { name: "Replace the signing secret" }).click();
  await pressInDialog("Replace secret");
  assert.match(await page.getByLabel("signing secret", { exact: true }).innerText(), /^whsec_/);
  await press("I have kept it");
});

test("many are replayed after they were counted", async () => {
  await open(app(`/webhooks/${world.hook}`));
  await press("Replay");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Events of the log").click();
  await dialog.getByText(/events? will be sent\./).waitFor();
  await dialog.getByRole("button", { name: /^Replay \d+ events?$/ }).click();
  await dialog.getByText(/Done: (\d+) of \1 accepted/).waitFor({ timeout: 30_000 });
});

test("a token is made and revoked", async () => {
  await open("account/tokens");
  await press("New token");
  await page.getByRole("dialog").getByLabel("Name").fill("Nightly");
  await pressInDialog("Create token");
  assert.match(await page.getByLabel("token", { exact: true }).innerText(), /^blw_/);
  await press("I have kept it");
  await press("Revoke Nightly");
  await pressInDialog("Revoke token");
  await page.getByText("Nightly", { exact: true }).waitFor({ state: "detached" });
});

test("an operator makes an account with a plan", async () => {
  await open("operator/accounts");
  await press("New account");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("Shop");
  await dialog.getByLabel("Name of the plan").fill("Small");
  await dialog.getByLabel("Apps", { exact: true }).fill("2");
  await pressInDialog("Create account");
  await read("Shop");
  const { accounts } = await management.ask("GET", "accounts");
  assert.equal(accounts.find(({ name }) => name === "Shop").plan.max_apps, 2);
});

test("an invitation is made and withdrawn", async () => {
  await open("account/members");
  await press("Invite somebody");
  await page.getByRole("dialog").getByLabel("E-mail").fill("zoe@example.com");
  await pressInDialog("Make the link");
  await page.getByLabel("invitation link", { exact: true }).waitFor();
  await pressInDialog("Done");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await press("Withdraw the invitation for zoe@example.com");
  const offered = async () => (await management.ask("GET", `accounts/${world.account}/invitations`)).invitations;
  await until(async () => !(await offered()).some(({ email }) => email === "zoe@example.com"), "the invitation to be gone");
});

test("nothing was asked of anybody else, and nothing broke", () => {
  assert.deepEqual(house.outside, []);
  assert.deepEqual(house.broken, []);
});
