// Runs the benchmark and writes docs/reference/benchmarks.md with a chart: Bellwire beside a bare send
// loop and, where it is installed, Sockudo; each measurement in fresh processes that take turns.
//
//   node scripts/bench-report.mjs BENCH SERVER [--quick] [--seconds N] [--only PART]
//   node scripts/bench-report.mjs --render      writes the page anew from the figures of the last run
//
// PART is comparison, growth or compression; the others keep their figures. Sockudo is $SOCKUDO_BIN, or
// the one on the PATH.
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { availableParallelism, cpus } from "node:os"
import { parseArgs } from "node:util"

import { chart } from "./bench-report/chart.mjs"
import * as comparison from "./bench-report/comparison.mjs"
import * as compression from "./bench-report/compression.mjs"
import * as growth from "./bench-report/growth.mjs"
import { page } from "./bench-report/page.mjs"

const file = (kind) => `docs/reference/benchmarks.${kind}`
const parts = { comparison, growth, compression }

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { render: { type: "boolean" }, quick: { type: "boolean" }, only: { type: "string" }, seconds: { type: "string", default: "10" } },
})
const [bench, server] = positionals
if (!server && !flags.render) throw new Error("usage: node scripts/bench-report.mjs BENCH SERVER [--quick] [--seconds N] [--only PART]")
if (flags.only && !parts[flags.only]) throw new Error(`--only takes one of: ${Object.keys(parts).join(", ")}`)

function sockudo() {
  const named = process.env.SOCKUDO_BIN
  if (named) return named
  const found = spawnSync("sh", ["-c", "command -v sockudo"], { encoding: "utf8" })
  return found.stdout.trim() || null
}

const version = (program) => execFileSync(program, ["--version"], { encoding: "utf8" }).trim()

function machine(peer) {
  const kernel = readFileSync("/proc/sys/kernel/osrelease", "utf8").split(".").slice(0, 2).join(".")
  const programs = [server, peer].filter(Boolean).map(version).join(", ")
  return `${programs}, ${availableParallelism()} × ${cpus()[0].model.trim()}, Linux ${kernel}, loopback`
}

/** Measures what is asked for and keeps the rest of the last run. */
function run() {
  const setting = { bench, server, quick: flags.quick, seconds: flags.seconds, sockudo: sockudo() }
  const before = existsSync(file("json")) ? JSON.parse(readFileSync(file("json"), "utf8")) : {}
  const measured = flags.only ? { ...before } : {}
  if (!flags.only || flags.only === "comparison") measured.machine = machine(setting.sockudo)
  for (const name of flags.only ? [flags.only] : Object.keys(parts)) {
    measured[name === "comparison" ? "results" : name] = parts[name].measure(setting)
  }
  writeFileSync(file("json"), `${JSON.stringify(measured, null, 1)}\n`)
}

if (!flags.render) run()
const figures = JSON.parse(readFileSync(file("json"), "utf8"))
const rows = comparison.joined(figures.results)
writeFileSync(file("svg"), chart(rows))
writeFileSync(file("md"), page(figures.machine, rows, figures))
process.stdout.write(`${comparison.comparison(rows)}\n`)
const passed = rows.every((row) => row.passed) && growth.passed(figures.growth) && compression.passed(figures.compression)
process.exitCode = passed ? 0 : 1
