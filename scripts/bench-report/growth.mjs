// Whether a unit costs the same where there are many: of connections, and of channels.
import { QUIET, figure, others, rounds, scenario, seconds } from "./harness.mjs"
import { round, table } from "./text.mjs"

/** Deliveries per second in every row of a table: only the number of connections or channels differs. */
const DELIVERIES = { connections: 30_000, channels: 10_000 }
/** Who hears an event, in every row with channels. */
const HEARERS = 10
/** Growth that still counts as none. */
const FLAT = 1.25

const sizes = {
  connections: { full: [1_000, 5_000, 15_000], quick: [200, 1_000] },
  channels: { full: [1, 100, 10_000], quick: [1, 100] },
}

export function measure(setting) {
  const timed = [...rounds(setting), ...seconds(setting)]
  const size = (kind) => sizes[kind][setting.quick ? "quick" : "full"]
  return {
    connections: size("connections").map((count) => connections(setting, count, timed)),
    channels: size("channels").map((count) => channels(setting, count, timed)),
  }
}

function connections(setting, count, timed) {
  const rate = String(Math.round(DELIVERIES.connections / count))
  const fanout = scenario(setting, ["fanout", "--compare", "--subscribers", String(count), "--rate", rate, ...timed])
  const idle = scenario(setting, ["idle", "--connections", String(count), ...rounds(setting)])
  const connect = scenario(setting, ["connect", "--connections", String(count), ...rounds(setting)])
  const reports = [fanout, idle, connect]
  return {
    count,
    ...costs(fanout),
    bytes: figure(idle, "bellwire", "rss_per_connection"),
    connect: figure(connect, "bellwire", "server_cpu_us"),
    before: figure(connect, "bellwire", "rss_before"),
    left: figure(connect, "bellwire", "rss_left"),
    others: Math.max(...reports.map(others)),
    passed: reports.every((report) => report.passed),
  }
}

/** Every channel has as many hearers, whatever the number of channels. */
function channels(setting, count, timed) {
  const listeners = Math.min(1_000, count * HEARERS)
  const each = (count * HEARERS) / listeners
  const report = scenario(setting, [
    ...["channels", "--compare", "--channels", String(count), "--connections", String(listeners)],
    ...["--subscriptions", String(each), "--rate", String(DELIVERIES.channels / HEARERS), ...timed],
  ])
  return { count, listeners, each, ...costs(report), others: others(report), passed: report.passed }
}

const costs = (report) => ({
  ours: figure(report, "bellwire", "server_cpu_us"),
  floor: figure(report, "floor", "server_cpu_us"),
})

/** What grew from the first size to the last, and what did not. */
function trends(rows, figures) {
  const grown = Object.entries(figures).map(([name, of]) => ({ name, times: of(rows.at(-1)) / of(rows[0]) }))
  const named = (some) => some.map(({ name, times }) => `${name} (${round(times)} ×)`).join(", ") || "nothing"
  const [more, flat] = [grown.filter(({ times }) => times > FLAT), grown.filter(({ times }) => times <= FLAT)]
  const worst = Math.max(...rows.map((row) => row.others))
  const crowded = worst > QUIET ? ` Others used up to ${Math.round(worst)} % of the machine, so this is no verdict.` : ""
  return `From the first row to the last stays flat: ${named(flat)}. Grows: ${named(more)}.${crowded}`
}

const number = (count) => count.toLocaleString("en")

export function page(growth) {
  if (!growth) return "\n## Growth\n\nNot measured yet: `scripts/bench --only growth`.\n"
  return `
## Growth

The same load on more: a unit should not cost more because there are many. Up to ${FLAT} × from the first row to
the last counts as flat.

### With the number of connections

One channel, ${number(DELIVERIES.connections)} deliveries a second in every row. Memory is resident memory before anybody came and
3 s after all had left.

${connectionTable(growth.connections)}

${trends(growth.connections, {
  "CPU per delivery": (row) => row.ours,
  "its ratio to the loop": (row) => row.ours / row.floor,
  "memory of an idle connection": (row) => row.bytes,
  "CPU per connect": (row) => row.connect,
  "memory after all have left": (row) => row.left,
})}

### With the number of channels

${HEARERS} hearers for each channel and ${number(DELIVERIES.channels)} deliveries a second in every row, to one channel after the other.

${channelTable(growth.channels)}

${trends(growth.channels, {
  "CPU per delivery": (row) => row.ours,
  "its ratio to the loop": (row) => row.ours / row.floor,
})}
`
}

const ratio = ({ ours, floor }) => round(ours / floor)

const connectionTable = (rows) =>
  table(
    ["connections", "µs CPU per delivery", "loop", "ratio", "bytes per idle connection", "µs CPU per connect", "MB before", "MB after"],
    rows.map((row) => [number(row.count), ...[row.ours, row.floor].map(round), ratio(row), ...[row.bytes, row.connect, row.before, row.left].map(round)]),
  )

const channelTable = (rows) =>
  table(
    ["channels", "connections", "channels of each", "µs CPU per delivery", "loop", "ratio"],
    rows.map((row) => [number(row.count), number(row.listeners), row.each, round(row.ours), round(row.floor), ratio(row)]),
  )

export const passed = (growth) => !growth || [...growth.connections, ...growth.channels].every((row) => row.passed)
