// Without a mouse.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { House, newApp, OPERATOR, setUp, until } from "./house.mjs";

let house;
let page;
let app;

before(async () => {
  house = await House.open();
  const context = await house.browser();
  page = await house.page(context);
  await setUp(page, house);
  app = await newApp(page, house, "Chat");
  await context.clearCookies();
});

after(() => house?.close());

const focused = () =>
  page.evaluate(() => {
    const { activeElement: element } = document;
    return element.getAttribute("aria-label") ?? element.textContent.trim();
  });

const heading = (name) => page.getByRole("heading", { name, level: 1 }).waitFor();

/** Presses Tab until what is focused is called so. */
async function tabTo(name, most = 40) {
  for (let i = 0; i < most; i++) {
    await page.keyboard.press("Tab");
    if ((await focused()).includes(name)) return;
  }
  assert.fail(`Tab does not lead to ${name}`);
}

test("signs in, and is back where it was", async () => {
  await page.goto(`${house.base}apps/${app}/webhooks`);
  await heading("Sign in to Bellwire");
  await page.keyboard.type(OPERATOR.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(OPERATOR.password);
  await page.keyboard.press("Enter");
  await heading("Webhooks");
});

test("skips the navigation", async () => {
  await page.goto(house.base);
  await heading("Apps");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to the page");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
});

test("goes through the navigation to an app", async () => {
  await page.goto(house.base);
  await heading("Apps");
  await tabTo("Chat");
  await page.keyboard.press("Enter");
  await heading("Chat");
  await tabTo("App keys");
  await page.keyboard.press("Enter");
  await heading("App keys");
});

test("finds a page with Ctrl K", async () => {
  await page.keyboard.press("Control+k");
  await page.getByPlaceholder("A page or an app").waitFor();
  await page.keyboard.type("audit");
  const found = page.getByRole("dialog").locator("[data-action]");
  await until(async () => (await found.count()) === 1, "the search to find one page");
  // The list takes the arrow only once it has settled.
  const chosen = async () => (await page.getByRole("dialog").locator("[data-selected]").count()) === 1;
  await until(async () => (await chosen()) || (await page.keyboard.press("ArrowDown"), await chosen()), "the page to be chosen");
  await page.keyboard.press("Enter");
  await heading("Audit log");
});

test("goes by letters and lists them", async () => {
  await page.goto(`${house.base}apps/${app}/overview`);
  await heading("Chat");
  await page.keyboard.press("g");
  await page.keyboard.press("w");
  await heading("Webhooks");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

test("adds a webhook; the refused field has the focus", async () => {
  await tabTo("Add webhook");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.type("nonsense");
  await page.keyboard.press("Enter");
  await page.getByText(/expected an address/i).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.value), "nonsense");
  await page.keyboard.press("Control+a");
  await page.keyboard.type("https://example.com/hook");
  await page.keyboard.press("Enter");
  await tabTo("I have kept it");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "https://example.com/hook" }).waitFor();
});

test("nothing broke", () => assert.deepEqual(house.broken, []));
