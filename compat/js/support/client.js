import { randomBytes } from "node:crypto"
import NodePusher from "pusher-js"
import { apps, host, port } from "./host.js"
import { Inbox } from "./inbox.js"

export const transports = ["ws", "xhr_streaming", "xhr_polling"]

/** A channel name that no other test uses. */
export const unique = (prefix) => `${prefix}${randomBytes(6).toString("hex")}`

/** pusher-js options that lead to the server under test and nowhere else. */
export function options({ transport = "ws", ...more } = {}) {
  return {
    cluster: "none",
    wsHost: host,
    httpHost: host,
    wsPort: port,
    httpPort: port,
    forceTLS: false,
    enabledTransports: [transport],
    ...more,
  }
}

/**
 * A pusher-js client that ends with the test. `messages` holds every message as the SDK parsed it,
 * `errors` what it reports as errors, `states` the states it went through.
 */
export function client(t, { app = apps.main, ...more } = {}) {
  const pusher = new NodePusher(app.key, options(more))
  pusher.messages = new Inbox()
  pusher.errors = new Inbox()
  pusher.states = new Inbox()
  pusher.connection.bind("message", (message) => pusher.messages.push(message))
  pusher.connection.bind("error", (error) => pusher.errors.push(error))
  pusher.connection.bind("state_change", ({ current }) => pusher.states.push(current))
  t.after(() => pusher.disconnect())
  return pusher
}

export async function connected(pusher) {
  await eventually("the client is connected", () => pusher.connection.state === "connected")
  return pusher
}

/** The error code of the next error that has one, wherever pusher-js puts it. */
export async function refusal(pusher) {
  const error = await pusher.errors.next("a refusal", (one) => code(one) !== undefined)
  return { code: code(error), message: (error.error ?? error).data.message }
}

const code = (error) => (error.error ?? error)?.data?.code

/** The next `pusher:error` frame: its code and message. */
export async function complaint(pusher) {
  const error = await pusher.errors.next("a pusher:error", ({ type }) => type === "PusherError")
  return error.data
}

/** Subscribes and keeps what the SDK emits on the channel, in order, as [event, data] pairs. */
export function subscribe(pusher, name) {
  const channel = pusher.subscribe(name)
  channel.inbox = new Inbox()
  channel.bind_global((event, data) => channel.inbox.push([event, data]))
  return channel
}

/** Subscribes and waits for the outcome; a refused subscription is a failure. */
export async function subscribed(pusher, name) {
  const channel = subscribe(pusher, name)
  await succeeded(channel)
  return channel
}

export async function succeeded(channel) {
  const [event, data] = await channel.inbox.next(
    `the outcome of subscribing to ${channel.name}`,
    ([name]) => name === "pusher:subscription_succeeded" || name === "pusher:subscription_error",
  )
  if (event !== "pusher:subscription_succeeded") {
    throw new Error(`${channel.name} was refused: ${JSON.stringify(data)}`)
  }
  return data
}

/** The data of the channel's next event of that name. */
export async function event(channel, name) {
  const [, data] = await channel.inbox.next(`${name} on ${channel.name}`, ([one]) => one === name)
  return data
}

/** The names of the channel's events that nobody asked for, in order, but for Pusher's own. */
export const unread = (channel) =>
  channel.inbox.unread(([name]) => !name.startsWith("pusher:")).map(([name]) => name)

// In a cluster, what one node knows the others know within a second.
export const everywhere = async () => {
  if (process.env.COMPAT_BUS) await new Promise((resolve) => setTimeout(resolve, 1000))
}

export async function eventually(what, holds) {
  const deadline = Date.now() + 60_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`it never came true that ${what}`)
    await new Promise((done) => setTimeout(done, 50))
  }
}
