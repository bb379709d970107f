// Webhooks of an app that has batches on: what goes together in a POST, and what must not.
import assert from "node:assert/strict"
import { test } from "node:test"
import { Bellwire } from "../support/bellwire.js"
import { subscribe, subscribed, unique } from "../support/client.js"
import { Receiver } from "../support/receiver.js"
import { genuine } from "../support/webhook.js"

const app = { id: "2001", key: "hooked-key", secret: "hooked-secret" }
const receiver = await Receiver.forThisFile()
const hooked = receiver.hook("/batches")
// What has come here is in the log, and so on its way to the other endpoint.
const control = receiver.hook("/control")
const bellwire = await Bellwire.forThisFile([
  {
    ...app,
    client_events: true,
    max_client_events_per_s: 0,
    batch_webhooks: true,
    webhooks: [{ url: receiver.url("/batches") }, { url: receiver.url("/control") }],
  },
])

// contract: 16.1, 16.11
test("what waits for a slow receiver comes in one POST, in order", async (t) => {
  const channel = unique("private-")
  const release = hooked.hold()
  const speaker = bellwire.client(t, app)
  await subscribed(speaker, channel)
  for (let n = 0; n < 20; n += 1) speaker.channel(channel).trigger(`client-${n}`, {})
  const said = (n) => ({ event }) => event.event === `client-${n}`
  await control.next("client_event", channel, said(19))
  release()
  const { delivery } = await hooked.next("client_event", channel, said(19))
  const events = genuine(delivery, app)
  assert.ok(events.length > 1, `${events.length} events`)
  const heard = hooked.accepted.map(({ event }) => event).filter((event) => event.channel === channel)
  const names = heard.map((event) => event.event ?? event.name)
  assert.deepEqual(names, ["channel_occupied", ...Array.from({ length: 20 }, (_, n) => `client-${n}`)])
})

// contract: 16.10
test("events of an encrypted channel never share a POST with those of another", async (t) => {
  const release = hooked.hold()
  const pusher = bellwire.client(t, app)
  // Enough of both for every lane.
  const names = Array.from({ length: 200 }, (_, n) => unique(n % 2 ? "private-" : "private-encrypted-"))
  for (const name of names) subscribe(pusher, name)
  await Promise.all(names.map((name) => control.next("channel_occupied", name)))
  release()
  const deliveries = new Set()
  for (const name of names) deliveries.add((await hooked.next("channel_occupied", name)).delivery)
  let shared = 0
  for (const delivery of deliveries) {
    const channels = new Set(genuine(delivery, app).map(({ channel }) => channel))
    if (channels.size === 1) continue
    shared += 1
    assert.deepEqual([...channels].filter((name) => name.startsWith("private-encrypted-")), [])
  }
  assert.ok(shared > 0, "nothing was joined, so nothing was kept apart")
})
