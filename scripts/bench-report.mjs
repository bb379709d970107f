// Runs the benchmark and writes docs/reference/benchmarks.md with a chart: Bellwire beside a bare send
// loop, each measurement in fresh processes that take turns.
//
//   node scripts/bench-report.mjs BENCH SERVER [--quick]
//   node scripts/bench-report.mjs --render      writes the page anew from the figures of the last run
import { execFileSync, spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { availableParallelism, cpus } from "node:os"

const figures = "docs/reference/benchmarks.json"
const [bench, server, ...flags] = process.argv.slice(2)
const renders = bench === "--render"
if (!server && !renders) throw new Error("usage: node scripts/bench-report.mjs BENCH SERVER [--quick]")
const short = flags.includes("--quick") ? ["--rounds", "1", "--seconds", "2"] : []

const cpu = { figure: "server_cpu_us", unit: "µs CPU" }
const fanout = (title, most, ...args) =>
  ({ title, args: ["fanout", ...args, "--compare", ...short], ...cpu, per: "delivery", ratio: most })

const WAKES = "a publish comes in on one thread and its few hearers sit on two workers, each of which is woken for them; the loop is one thread and wakes nobody"

/** What is measured, what it is to reach (a ratio to the loop, or a figure of its own), and what is known of a miss. */
const rows = [
  fanout("1,000 subscribers, 20 events/s", 1.05, "--subscribers", "1000", "--rate", "20"),
  fanout("1,000 subscribers, 100 events/s", 1.05, "--subscribers", "1000", "--rate", "100"),
  fanout("10,000 subscribers, 2 events/s", 1.15, "--subscribers", "10000", "--rate", "2"),
  fanout("10,000 subscribers, 8 events/s", 1.15, "--subscribers", "10000", "--rate", "8"),
  { title: "1,000 subscribers, as fast as the API accepts", args: ["saturate", "--compare", ...short], ...cpu, per: "delivery", ratio: 0.15 },
  { title: "1,000 channels, 1,000 events/s", args: ["channels", "--compare", ...short], ...cpu, per: "delivery", ratio: 1.5, why: WAKES },
  { title: "1,000 channels, saturated", args: ["channels", "--saturate", "--compare", ...short], ...cpu, per: "delivery", ratio: 0.75, why: "little is joined: an event has ten hearers, and most turns of a worker hold one event for each; and " + WAKES },
  { title: "publish, nobody listens, saturated", args: ["publish", "--compare", ...short], ...cpu, per: "request", most: 20 },
  { title: "client events, one to one, 10/s each", args: ["client-events", "--compare", ...short], ...cpu, per: "message", ratio: 1.25, why: "half of the pairs have their partner on the other worker, which is woken for each message" },
  { title: "client events, as fast as answered", args: ["client-events", "--saturate", "--compare", ...short], ...cpu, per: "message", ratio: 1.25, why: "JSON is parsed and checked, which the loop does not do, and half of the pairs cross workers" },
  { title: "10,000 connect and subscribe at once", args: ["connect", "--compare", "--rounds", "3"], ...cpu, per: "connection", ratio: 2 },
  { title: "presence, room of 100", args: ["presence", "--compare", ...short], ...cpu, per: "event delivered", ratio: 1.5 },
  { title: "idle connection with a subscription", args: ["idle"], figure: "rss_per_connection", unit: "bytes", per: "connection", most: 1500 },
  { title: "memory 3 s after 10,000 have left", args: ["connect"], figure: "left_ratio", unit: "× before", per: "", most: 1.1, why: "some 9 MB stay; presumably the C library keeps pages in which something small still lives" },
]

/** Shares of the machine that others may take before a figure says nothing. */
const QUIET = 10

function measure(row) {
  process.stderr.write(`… ${row.title}\n`)
  const run = spawnSync(bench, [...row.args, "--json", "--bin", server], { encoding: "utf8", maxBuffer: 1 << 26 })
  const report = JSON.parse(run.stdout)
  const column = (name) => report.columns[name]?.[row.figure] ?? null
  const others = Math.max(...Object.values(report.columns).map((one) => one.others_percent ?? 0).filter(Number.isFinite))
  return { ...row, ours: column("bellwire"), floor: column("floor"), others, passed: report.passed }
}

const round = (value) => (value === null ? "–" : value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3))

function verdict({ ours, floor, others, passed, ratio, most }) {
  if (!passed) return "**a check failed**"
  const met = ratio ? ours <= ratio * floor : ours <= most
  if (met) return "met"
  return others > QUIET ? `no verdict: others used ${Math.round(others)} % of the machine` : "missed"
}

function line(row) {
  const target = row.ratio ? `≤ ${row.ratio} × the loop` : `≤ ${row.most} ${row.unit}`
  const unit = row.per ? `${row.unit} per ${row.per}` : row.unit
  const ratio = row.floor ? round(row.ours / row.floor) : "–"
  return `| ${row.title} | ${unit} | ${round(row.ours)} | ${round(row.floor)} | ${ratio} | ${target} | ${verdict(row)} |`
}

/** What is known of what was missed. */
function misses(measured) {
  const missed = measured.filter((row) => row.why && verdict(row) !== "met")
  if (missed.length === 0) return ""
  return `\n## What was missed, and why\n\n${missed.map((row) => `- **${row.title}**: ${row.why}.`).join("\n")}\n`
}

/** Bars of what is measured in CPU time: Bellwire's as a share of the loop's. */
function chart(measured) {
  const shown = measured.filter((row) => row.floor)
  const [left, scale, step] = [330, 150, 26]
  const most = Math.max(2, ...shown.map((row) => row.ours / row.floor))
  const width = left + most * scale + 70
  const bars = shown.map((row, at) => {
    const [y, share] = [34 + at * step, row.ours / row.floor]
    return `<text x="${left - 8}" y="${y + 12}" text-anchor="end">${row.title}</text>` +
      `<rect x="${left}" y="${y}" width="${(share * scale).toFixed(1)}" height="16" rx="2" fill="#2f6f9f"/>` +
      `<text x="${(left + share * scale + 6).toFixed(1)}" y="${y + 12}">${share.toFixed(2)}</text>`
  })
  const height = 44 + shown.length * step
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${Math.ceil(width)} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="${left}" y="18">CPU time for the same work, the bare send loop = 1</text>
<line x1="${left + scale}" y1="26" x2="${left + scale}" y2="${height - 8}" stroke="#999" stroke-dasharray="4 3"/>
${bars.join("\n")}
</svg>
`
}

function run() {
  const version = execFileSync(server, ["--version"], { encoding: "utf8" }).trim()
  const kernel = readFileSync("/proc/sys/kernel/osrelease", "utf8").split(".").slice(0, 2).join(".")
  const machine = `${version}, ${availableParallelism()} × ${cpus()[0].model.trim()}, Linux ${kernel}, loopback`
  const results = rows.map(measure).map(({ title, ours, floor, others, passed }) => ({ title, ours, floor, others, passed }))
  writeFileSync(figures, `${JSON.stringify({ machine, results }, null, 1)}\n`)
}

if (!renders) run()
const { machine, results } = JSON.parse(readFileSync(figures, "utf8"))
const measured = rows.map((row) => ({ ...row, ...results.find((one) => one.title === row.title) }))
const page = `# Benchmarks

Written by \`make bench\`; do not edit. ${machine}.

The *loop* is a process that does the same work and nothing else: it reads, finds where a message ends, and
calls \`write(2)\` for each recipient. It checks no signature, parses no JSON and keeps no state. It is what
the machine charges; what is above it is Bellwire's own. CPU is user and system time of all threads of the
server, for each unit of work. Server and loop take turns, each round in fresh processes; the medians of three
rounds stand here. Every message is counted: one that is lost or comes twice fails the run.

![CPU time beside the send loop](benchmarks.svg)

| what | unit | Bellwire | loop | ratio | target | verdict |
|---|---|---|---|---|---|---|
${measured.map(line).join("\n")}

Below 1 is possible: under load, frames for one reader are joined into one write. At low rates the figure is
mostly that of waking a thread. Where others used more than ${QUIET} % of the machine, a miss is no verdict.
${misses(measured)}
Run it yourself: \`make bench\`. [The load generator](../../crates/bench/README.md) measures any server that
speaks Pusher's protocol.
`
writeFileSync("docs/reference/benchmarks.svg", chart(measured))
writeFileSync("docs/reference/benchmarks.md", page)
process.stdout.write(`${measured.map(line).join("\n")}\n`)
process.exitCode = measured.every((row) => row.passed) ? 0 : 1
