// What permessage-deflate costs and saves.
import { figure, others, rounds, scenario, seconds } from "./harness.mjs"
import { round, table } from "./text.mjs"

const WAYS = ["off", "offered", "taken"]
const BYTES = 1_000

export function measure(setting) {
  const timed = [...rounds(setting), ...seconds(setting)]
  const report = scenario(setting, ["compression", "--bytes", String(BYTES), ...timed])
  const column = (way) => ({ cpu: figure(report, way, "server_cpu_us"), bytes: figure(report, way, "wire_bytes") })
  const ways = Object.fromEntries(WAYS.map((way) => [way, column(way)]))
  return { title: report.scenario, ways, others: others(report), passed: report.passed }
}

export function page(compression) {
  if (!compression) return "\n## Compression\n\nNot measured yet: `scripts/bench --only compression`.\n"
  const { title, ways } = compression
  const line = (name, key) => [name, ...WAYS.map((way) => round(ways[way][key]))]
  return `
## Compression

Records of JSON whose numbers vary (${title.replace("compression: ", "")}). A message is compressed once
for all who take it.

${table(
    ["", "off", "on, nobody asks for it", "on, everybody takes it"],
    [line("µs CPU per delivery", "cpu"), line("WebSocket bytes per delivery", "bytes")],
  )}
`
}

export const passed = (compression) => !compression || compression.passed
