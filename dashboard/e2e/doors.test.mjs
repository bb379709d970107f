// The pages by which people come in for the first time, in every dress.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { House, setUp } from "./house.mjs";
import { DRESSES, look } from "./look.mjs";
import { Management } from "./seed.mjs";

let house;

before(async () => {
  house = await House.open();
});

after(() => house?.close());

test("the first operator's page", async (context) => {
  for (const [dress, options] of Object.entries(DRESSES)) {
    await context.test(`setup in ${dress}`, async () => {
      const browser = await house.browser(options);
      const page = await house.page(browser);
      await page.goto(house.setup);
      await page.getByLabel("Your name").waitFor();
      await look(page, dress, "setup");
      await browser.close();
    });
  }
});

test("an invitation's page", async (context) => {
  const page = await house.page(await house.browser());
  await setUp(page, house);
  const management = new Management(house);
  const { accounts } = await management.signIn();
  const invitation = { role: "developer", email: "dora@example.com" };
  const { link } = await management.ask("POST", `accounts/${accounts[0].id}/invitations`, invitation);
  for (const [dress, options] of Object.entries(DRESSES)) {
    await context.test(`invite in ${dress}`, async () => {
      const browser = await house.browser(options);
      const invited = await house.page(browser);
      await invited.goto(`${house.origin}${link}`);
      await invited.getByLabel("Your name").waitFor();
      await look(invited, dress, "invite");
      await browser.close();
    });
  }
});

test("nothing was asked of anybody else, nothing broke", () => {
  assert.deepEqual(house.outside, []);
  assert.deepEqual(house.broken, []);
});
