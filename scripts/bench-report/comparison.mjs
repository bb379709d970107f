// The main table: Bellwire beside the send loop and, where it is installed, Sockudo.
import { QUIET, figure, knows, others, rounds, scenario, seconds } from "./harness.mjs"
import { rows } from "./rows.mjs"
import { round, table } from "./text.mjs"

export function measure(setting) {
  return rows.filter((row) => !row.needs || knows(setting, row.args, row.needs)).map((row) => one(setting, row))
}

function one(setting, row) {
  const beside = setting.sockudo && !row.alone ? ["--sockudo", setting.sockudo] : []
  const timed = row.timed ? seconds(setting) : []
  const report = scenario(setting, [...row.args, ...beside, ...rounds(setting), ...timed])
  const [ours, floor, joining, sockudo] =
    ["bellwire", "floor", "joining", "sockudo"].map((column) => figure(report, column, row.figure))
  const notes = [...new Set(report.notes)]
  const spread = spreadOf(row, report.rounds)
  return { title: row.title, ours, floor, joining, sockudo, notes, spread, others: others(report), passed: report.passed }
}

/** Between what a figure, or its ratio to the loop, lay in the rounds. */
function spreadOf({ figure: key, ratio }, rounds) {
  const of = (name) => (rounds[name] ?? []).map((round) => round[key])
  const each = ratio ? of("bellwire").map((value, at) => value / of("floor")[at]) : of("bellwire")
  const known = each.filter(Number.isFinite)
  return known.length > 1 ? [Math.min(...known), Math.max(...known)] : null
}

/** The rows that there are results of, each with its result. */
export const joined = (results) =>
  rows.flatMap((row) => results.filter((one) => one.title === row.title).map((one) => ({ ...row, ...one })))

/** How many times as much Sockudo takes. */
const times = ({ ours, sockudo, unit }) => (sockudo == null || unit.startsWith("×") ? null : sockudo / ours)

/** What a row is held to: words, and whether it holds. Whoever was not measured is not asked for. */
function targets(row) {
  const { ours, floor, joining, sockudo, ratio, most, unit } = row
  const all = []
  if (ratio) all.push({ says: `≤ ${ratio} × the loop`, holds: ours <= ratio * floor })
  if (most) all.push({ says: `≤ ${most} ${unit}`, holds: ours <= most })
  if (row.belowJoining && joining != null) all.push({ says: `< ${round(joining)}, a loop that joins`, holds: ours < joining })
  if (row.times && sockudo != null) all.push({ says: `≥ ${row.times} × Sockudo`, holds: times(row) >= row.times })
  return all
}

export function verdict(row) {
  if (!row.passed) return "**a check failed**"
  const all = targets(row)
  const missed = all.filter((target) => !target.holds)
  if (all.length === 0) return "–"
  if (missed.length === 0) return "met"
  if (row.others > QUIET) return `no verdict: others used ${Math.round(row.others)} % of the machine`
  const [least, greatest] = row.spread ?? []
  if (least <= (row.ratio ?? row.most)) return `no verdict: rounds lie between ${round(least)} and ${round(greatest)}`
  return all.length === 1 ? "missed" : `missed: ${missed.map((target) => target.says).join("; ")}`
}

function line(row) {
  const unit = row.per ? `${row.unit} per ${row.per}` : row.unit
  const mark = row.notes?.length ? " †" : ""
  const ratio = row.floor == null ? null : row.ours / row.floor
  const says = targets(row).map((target) => target.says).join("; ") || "–"
  return [row.title, unit, round(row.ours), round(row.floor), round(row.sockudo) + mark, round(ratio), round(times(row)), says, verdict(row)]
}

const HEADS = ["what", "unit", "Bellwire", "loop", "Sockudo", "ratio to the loop", "× Sockudo", "target", "verdict"]
export const comparison = (measured) => table(HEADS, measured.map(line))

/** What is known of what was missed. */
export function misses(measured) {
  const missed = measured.filter((row) => row.why && !["met", "–"].includes(verdict(row)))
  if (missed.length === 0) return ""
  return `\n## What was missed, and why\n\n${missed.map((row) => `- **${row.title}**: ${row.why}.`).join("\n")}\n`
}

/** What Sockudo lost or could not do. */
export function findings(measured) {
  const found = measured.filter((row) => row.notes?.length)
  if (found.length === 0) return ""
  const lines = found.map((row) => `- **${row.title}**: ${row.notes.join("; ")}.`)
  return `\n## † What Sockudo did not do\n\nA figure beside such a mark is of what did arrive.\n\n${lines.join("\n")}\n`
}
