// Runs a scenario of the load generator and reads what it found.
import { spawnSync } from "node:child_process"

/** Runs the scenario; ends the report if it could not run at all. */
export function scenario({ bench, server }, args) {
  process.stderr.write(`… ${args.join(" ")}\n`)
  const run = spawnSync(bench, [...args, "--json", "--bin", server], { encoding: "utf8", maxBuffer: 1 << 26 })
  if (!run.stdout) throw new Error(`${args.join(" ")}\n${run.stderr}`)
  return JSON.parse(run.stdout)
}

export const figure = (report, column, key) => report.columns[column]?.[key] ?? null

/** Shares of the machine that others may take, in percent, before a figure says nothing. */
export const QUIET = 10

/** The share of the machine that others took, in percent, at its worst. */
export const others = (report) =>
  Math.max(0, ...Object.values(report.columns).map((one) => one.others_percent ?? 0).filter(Number.isFinite))

/** How often everything is measured; medians count. */
export const rounds = ({ quick }) => ["--rounds", quick ? "1" : "3"]

/** How long a round takes, where it is not the work that ends it. */
export const seconds = ({ quick, seconds }) => ["--seconds", quick ? "2" : seconds]

/** Whether a scenario of this load generator has an option. */
export const knows = ({ bench }, [name], option) =>
  spawnSync(bench, [name, "--help"], { encoding: "utf8" }).stdout.includes(option)
