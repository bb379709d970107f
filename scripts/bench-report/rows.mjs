// What is measured, what it is to reach, and what is known of a miss.
//
// ratio: at most so many times the loop. most: at most so much. belowJoining: less than a loop that joins
// what waits. times: at least so many times Sockudo's work for the same CPU. needs: an option without which
// the row is left out. alone: Sockudo is not asked.

const cpu = { figure: "server_cpu_us", unit: "µs CPU" }
const fanout = (title, most, ...args) => ({ title, args: ["fanout", ...args, "--compare"], timed: true, ...cpu, per: "delivery", ratio: most })

const WAKES = "a publish comes in on one thread and its few hearers sit on two workers, each of which is woken for them; the loop is one thread and wakes nobody"

export const rows = [
  fanout("1,000 subscribers, 20 events/s", 1.05, "--subscribers", "1000", "--rate", "20"),
  fanout("1,000 subscribers, 100 events/s", 1.05, "--subscribers", "1000", "--rate", "100"),
  fanout("10,000 subscribers, 2 events/s", 1.15, "--subscribers", "10000", "--rate", "2"),
  fanout("10,000 subscribers, 8 events/s", 1.15, "--subscribers", "10000", "--rate", "8"),
  { title: "1,000 subscribers, as fast as the API accepts", args: ["saturate", "--compare"], timed: true, ...cpu, per: "delivery", ratio: 0.15, belowJoining: true, times: 20 },
  { title: "1,000 channels, 1,000 events/s", args: ["channels", "--compare"], timed: true, ...cpu, per: "delivery", ratio: 1.5, why: WAKES },
  { title: "1,000 channels, saturated", args: ["channels", "--saturate", "--compare"], timed: true, ...cpu, per: "delivery", ratio: 0.75, why: "little is joined: an event has ten hearers, and most turns of a worker hold one event for each; and " + WAKES },
  { title: "publish, nobody listens, saturated", args: ["publish", "--compare"], timed: true, ...cpu, per: "request", most: 20 },
  { title: "client events, one to one, 10/s each", args: ["client-events", "--compare"], timed: true, ...cpu, per: "message", ratio: 1.25, why: "half of the pairs have their partner on the other worker, which is woken for each message" },
  { title: "client events, as fast as answered", args: ["client-events", "--saturate", "--compare"], timed: true, ...cpu, per: "message", ratio: 1.25, why: "JSON is parsed and checked, which the loop does not do, and half of the pairs cross workers" },
  { title: "10,000 connect and subscribe at once", args: ["connect", "--compare"], ...cpu, per: "connection", ratio: 2 },
  { title: "presence, room of 100", args: ["presence", "--compare"], timed: true, ...cpu, per: "event delivered", ratio: 1.5 },
  { title: "idle connection with a subscription", args: ["idle"], figure: "rss_per_connection", unit: "bytes", per: "connection", most: 1500 },
  { title: "idle connection over TLS", args: ["idle", "--tls"], needs: "--tls", alone: true, figure: "rss_per_connection", unit: "bytes", per: "connection" },
  { title: "memory 3 s after 10,000 have left", args: ["connect"], figure: "left_ratio", unit: "× before", per: "", most: 1.1, why: "some 9 MB stay; presumably the C library keeps pages in which something small still lives" },
]
