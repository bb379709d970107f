// Fails if the JavaScript that the first page loads, the entry and what it imports statically, is
// more than the budget.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET_KB = 250;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("../node_modules/.manifest.json", import.meta.url)));

function closure(name, seen = new Set()) {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const next of manifest[name].imports ?? []) closure(next, seen);
  return seen;
}

const gzipped = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length / 1000;
const files = [...closure("index.html")].map((name) => manifest[name].file);
const sizes = [...files, "scheme.js"].map((file) => [file, gzipped(file)]);
const total = sizes.reduce((sum, [, kb]) => sum + kb, 0);

for (const [file, kb] of sizes) console.log(`${kb.toFixed(1).padStart(8)} KB  ${file}`);
console.log(`${total.toFixed(1).padStart(8)} KB  at first, of ${BUDGET_KB}`);
if (total > BUDGET_KB) process.exit(1);
