// What is measured, what it is to reach, and what is known of a miss.
//
// ratio: at most so many times the loop. most: at most so much. belowJoining: less than a loop that joins
// what waits. times: at least so many times Sockudo's work for the same CPU. needs: an option without which
// the row is left out. alone: Sockudo is not asked.

const cpu = { figure: "server_cpu_us", unit: "µs CPU" }
const TWO_WORKERS = "both workers are woken for an event, the loop is one thread; both send as fast as the kernel takes it"
const fanout = (title, most, ...args) =>
  ({ title, args: ["fanout", ...args, "--compare"], timed: true, ...cpu, per: "delivery", ratio: most, why: TWO_WORKERS })

const ASLEEP = "at a low rate each message finds the process asleep and its code and data out of the caches"

export const rows = [
  fanout("1,000 subscribers, 20 events/s", 1.05, "--subscribers", "1000", "--rate", "20"),
  fanout("1,000 subscribers, 100 events/s", 1.05, "--subscribers", "1000", "--rate", "100"),
  fanout("10,000 subscribers, 2 events/s", 1.15, "--subscribers", "10000", "--rate", "2"),
  fanout("10,000 subscribers, 8 events/s", 1.15, "--subscribers", "10000", "--rate", "8"),
  { title: "1,000 subscribers, as fast as the API accepts", args: ["saturate", "--compare"], timed: true, ...cpu, per: "delivery", ratio: 0.15, belowJoining: true, times: 20 },
  { title: "1,000 channels, 1,000 events/s", args: ["channels", "--compare"], timed: true, ...cpu, per: "delivery", ratio: 1.5, why: `${ASLEEP}; and a signed publish, dearer than two deliveries even when its code is warm, comes on top of ten of them` },
  { title: "1,000 channels, saturated", args: ["channels", "--saturate", "--compare"], timed: true, ...cpu, per: "delivery", ratio: 0.75, why: "little is joined: an event has ten hearers among 1,000 connections and eight events are under way, so that 1.2 to 1.5 frames share a write (twice as many would meet it); and a signed publish adds 1.3 µs to each of its ten deliveries" },
  { title: "publish, nobody listens, saturated", args: ["publish", "--compare"], timed: true, ...cpu, per: "request", most: 20 },
  { title: "client events, one to one, 10/s each", args: ["client-events", "--compare"], timed: true, ...cpu, per: "message", ratio: 1.25, why: `${ASLEEP}: 8,600 instructions for each (JSON read and checked, the event built, its channel found), the loop's some hundreds; a pair on two workers costs no second wake` },
  { title: "client events, as fast as answered", args: ["client-events", "--saturate", "--compare"], timed: true, ...cpu, per: "message", ratio: 1.25, why: "two workers and the load generator take turns on two cores (with one worker it is 0.95 times the loop); and JSON is read and checked, which the loop does not do" },
  { title: "10,000 connect and subscribe at once", args: ["connect", "--compare"], ...cpu, per: "connection", ratio: 2 },
  { title: "presence, room of 100", args: ["presence", "--compare"], timed: true, ...cpu, per: "event delivered", ratio: 1.5 },
  { title: "idle connection with a subscription", args: ["idle"], figure: "rss_per_connection", unit: "bytes", per: "connection", most: 1500 },
  { title: "idle connection over TLS", args: ["idle", "--tls"], needs: "--tls", alone: true, figure: "rss_per_connection", unit: "bytes", per: "connection", most: 10000 },
  { title: "memory 3 s after 10,000 have left", args: ["connect"], figure: "left_ratio", unit: "× before", per: "", most: 1.1 },
]
