// docs/reference/benchmarks.md from the figures of the last run.
import { comparison, findings, misses } from "./comparison.mjs"
import * as compression from "./compression.mjs"
import * as growth from "./growth.mjs"
import { QUIET } from "./harness.mjs"

export const page = (machine, measured, figures) => `# Benchmarks

Written by \`make bench\`; do not edit. ${machine}.

The *loop* is a process that does the same work and nothing else: it reads, finds where a message ends, and
calls \`write(2)\` for each recipient. It checks no signature, parses no JSON and keeps no state. It is what
the machine charges; what is above it is Bellwire's own. A *loop that joins* first reads all that waits, and
then gives each recipient all of it in one write. CPU is user and system time of all threads of the server,
for each unit of work. All take turns, each round in fresh processes; the medians of three rounds stand here.
Every message is counted: one that Bellwire loses or sends twice fails the run.
${peer(measured)}
![CPU time beside the send loop](benchmarks.svg)

${comparison(measured)}

Below 1 is possible: under load, frames for one reader are joined into one write. At low rates the figure is
mostly that of waking a thread. Where others used more than ${QUIET} % of the machine, or one
of the rounds met the target, a miss is no verdict.
${misses(measured)}${findings(measured)}${growth.page(figures.growth)}${compression.page(figures.compression)}
Run it yourself: \`make bench\`. [The load generator](../../crates/bench/README.md) measures any server that
speaks Pusher's protocol.
`

function peer(measured) {
  if (!measured.some((row) => row.sockudo != null || row.notes?.length)) return ""
  return `
*Sockudo* runs on one node with everything in memory, without metrics, log and rate limits; its limits are
wider than any load here, and its queue for a client has the default length
([config](../../crates/bench/src/target/sockudo.rs)). *× Sockudo* is how many times as much of the machine it takes for the same.
`
}
