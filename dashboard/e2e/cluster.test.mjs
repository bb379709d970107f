// Two nodes behind one dashboard: whichever answers shows what is on both.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Engines } from "./engines.mjs";
import { House, setUp } from "./house.mjs";
import { look } from "./look.mjs";
import { Management, Pusher } from "./seed.mjs";

let engines;
let amsterdam;
let boston;
let page;
let app;
const people = [];

before(async () => {
  engines = await Engines.start();
  amsterdam = await House.open({ server: `database = "${engines.database}"`, more: engines.settings("amsterdam") });
  boston = await House.open({ server: `database = "${engines.database}"`, more: engines.settings("boston") });
  page = await amsterdam.page(await amsterdam.browser());
  // The link that one has printed is good on the other.
  await setUp(page, { ...amsterdam, setup: boston.setup.replace(boston.origin, amsterdam.origin) });
  const management = new Management(amsterdam);
  const account = (await management.signIn()).accounts[0].id;
  app = await management.ask("POST", "apps", { account_id: account, name: "Chat" });
});

after(async () => {
  for (const person of people) person.disconnect();
  boston?.resume();
  await amsterdam?.close();
  await boston?.close();
  await engines?.stop();
});

const open = (path) => page.goto(`${amsterdam.base}${path}`);
const read = (text) => page.getByRole("main").getByText(text).first().waitFor();

/** Somebody who connects to a node. */
function arrive(house) {
  const options = { cluster: "self", wsHost: "127.0.0.1", wsPort: house.port, forceTLS: false, enabledTransports: ["ws"] };
  const person = new Pusher(app.key, options);
  person.subscribe("news");
  people.push(person);
}

test("the nodes are there, one sends the webhooks, and the bus is up", async () => {
  await open("operator/nodes");
  await read("amsterdam");
  await read("boston");
  await read("All of their clients are known");
  assert.equal(await page.getByText("sent from here").count(), 1);
  assert.equal(await page.getByText("answers", { exact: true }).count(), 1);
  await look(page, "light", "cluster-nodes");
});

test("the console shows what happens on the other node, and where it was", async () => {
  await open(`apps/${app.id}/console`);
  await page.getByRole("main").getByText("Live", { exact: true }).waitFor();
  arrive(boston);
  await page.getByRole("button", { name: /Connection.*boston/ }).first().waitFor();
  arrive(amsterdam);
  await page.getByRole("button", { name: /Connection.*amsterdam/ }).first().waitFor();
  await look(page, "light", "cluster-console");
});

test("connections of both nodes are listed, and one opens on whichever node it is", async () => {
  await open(`apps/${app.id}/people?tab=connections`);
  await page.getByRole("columnheader", { name: "Node" }).waitFor();
  await read("amsterdam");
  await read("boston");
  await look(page, "light", "cluster-connections");
  const socket = people[0].connection.socket_id;
  await page.getByRole("link", { name: socket }).click();
  await page.getByRole("heading", { level: 1 }).waitFor();
  await read("boston");
});

test("a node that does not answer is named", async () => {
  boston.pause();
  await open(`apps/${app.id}/people?tab=connections`);
  await read("The node boston did not answer");
  boston.resume();
  await open(`apps/${app.id}/people?tab=connections`);
  await read("boston");
});

test("nothing was asked of anybody else, and nothing broke", () => {
  assert.deepEqual([amsterdam.outside, amsterdam.broken], [[], []]);
});
