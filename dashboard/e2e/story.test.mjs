// The whole story, from the link of the first run to a webhook that arrived after all.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, afterEach, before, test } from "node:test";
import { freePort, House, newApp, Receiver, setUp } from "./house.mjs";

const pusherJs = createRequire(import.meta.url).resolve("pusher-js/dist/web/pusher.min.js");

let house;
let page;
let customers;
let app;
let shown;
let receiver;

before(async () => {
  house = await House.open();
  const context = await house.browser();
  page = await house.page(context);
  customers = await context.newPage();
});

after(async () => {
  await receiver?.down();
  await shown?.close();
  await house?.close();
});

afterEach(async (context) => {
  if (context.passed === false && process.env.E2E_FAILED) await page.screenshot({ path: `${process.env.E2E_FAILED}/${context.name}.png` });
});

test("the link of the first run makes the operator", async () => {
  await setUp(page, house);
});

test("an app is created and its secret shown", async () => {
  app = await newApp(page, house, "Chat");
});

test("a page with the shown snippet connects", async () => {
  const snippet = await page.getByLabel("Browser: npm install pusher-js").first().innerText();
  shown = await customersPage(snippet.replace(/^import .*$/m, ""));
  customers.on("console", (message) => (customers.heard ??= []).push(message.text()));
  await customers.goto(shown.url);
  await page.goto(`${house.base}apps/${app}/channels`);
  await page.getByRole("link", { name: "my-channel" }).waitFor();
});

test("an event from the creator appears in the page and in the console", async () => {
  const watching = await house.page(page.context());
  await watching.goto(`${house.base}apps/${app}/console`);
  await watching.getByRole("main").getByText("Live", { exact: true }).waitFor();
  await page.goto(`${house.base}apps/${app}/events`);
  await page.getByLabel("Data").fill('{"from":"the event creator"}');
  const heard = customers.waitForEvent("console");
  await page.getByRole("button", { name: "Send event" }).click();
  await page.getByText("1 connection got it on").waitFor();
  assert.deepEqual(await (await heard).args()[0].jsonValue(), { from: "the event creator" });
  const line = watching.getByRole("button", { name: /API message.*my-channel.*my-event/ });
  await line.first().click();
  await watching.getByText("the event creator").waitFor();
  await watching.close();
});

test("a webhook is added while its receiver is down", async () => {
  receiver = await Receiver.at(await freePort());
  await page.goto(`${house.base}apps/${app}/webhooks`);
  await page.getByRole("button", { name: "Add webhook" }).first().click();
  await page.getByLabel("URL").fill(receiver.url);
  await page.getByRole("dialog").getByRole("button", { name: "Add webhook" }).click();
  const secret = page.getByLabel("signing secret", { exact: true });
  assert.match(await secret.innerText(), /^whsec_/);
  await page.getByRole("button", { name: "I have kept it" }).click();
  await page.getByRole("link", { name: receiver.url }).waitFor();
});

test("the failed delivery is seen with every attempt", async () => {
  await customers.goto("about:blank");
  await page.goto(`${house.base}apps/${app}/deliveries?status=failed`);
  await page.getByRole("table", { name: "Deliveries" }).getByRole("link").first().click();
  await page.getByText("Attempt 1", { exact: true }).waitFor();
  await page.getByText(/Nobody listens at 127\.0\.0\.1/).first().waitFor();
});

test("the receiver is up again, and a click on Replay delivers", async () => {
  await receiver.up();
  await page.getByRole("button", { name: "Replay" }).click();
  await page.getByText(/Done: 1 of 1 accepted/).waitFor({ timeout: 30_000 });
  assert.ok(receiver.heard.length > 0);
  await page.goto(`${house.base}apps/${app}/deliveries?status=delivered`);
  await page.getByRole("table", { name: "Deliveries" }).getByText("HTTP 200").first().waitFor();
});

test("the page continues by itself when the server was restarted", async () => {
  await page.goto(`${house.base}apps/${app}/overview`);
  await page.getByRole("heading", { name: "Chat", level: 1 }).waitFor();
  await house.stop();
  await page.getByText("The server does not answer").waitFor();
  await house.start();
  await page.getByText("The server does not answer").waitFor({ state: "detached", timeout: 30_000 });
  await page.getByRole("heading", { name: "Chat", level: 1 }).waitFor();
});

test("nothing was asked of anybody else, and nothing broke", () => {
  assert.deepEqual(house.outside, []);
  assert.deepEqual(house.broken, []);
});

/** The page of somebody who copied the snippet; pusher-js comes from the same place. */
async function customersPage(snippet) {
  const html = `<!doctype html><title>Customer</title><script src="/pusher.js"></script><script>${snippet}</script>`;
  const script = await readFile(pusherJs);
  const server = createServer((request, response) => response.end(request.url === "/pusher.js" ? script : html));
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}
