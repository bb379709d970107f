// Looking at a page: for whoever cannot see or point, and for a picture of it.
import { AxeBuilder } from "@axe-core/playwright";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const IMAGES = fileURLToPath(new URL("../../docs/img/dashboard/", import.meta.url));

export const DRESSES = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  phone: { colorScheme: "light", viewport: { width: 390, height: 844 } },
};

/** No serious problem, nothing wider than the window; E2E_SCREENSHOTS=1 writes docs/img/dashboard/. */
export async function look(page, dress, name) {
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.getByTestId("bones").first().waitFor({ state: "detached" });
  // Charts and panels glide in.
  await page.evaluate(() => Promise.all(document.getAnimations().map((motion) => motion.finished.catch(() => {}))));
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  if (process.env.E2E_SCREENSHOTS) {
    mkdirSync(IMAGES, { recursive: true });
    await page.screenshot({ path: `${IMAGES}${name}-${dress}.png` });
  }
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  assert.deepEqual(grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join("\n")}`), []);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(overflow <= 0, `the page is ${overflow} px wider than the window`);
}
