// Webhooks of a real server, verified as customers do: with the official Node server SDK and with the
// Standard Webhooks library.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { describe, test } from "node:test"
import { Webhook, WebhookVerificationError } from "standardwebhooks"
import { Bellwire } from "../support/bellwire.js"
import { event, subscribed, unique } from "../support/client.js"
import { required } from "../support/host.js"
import { Receiver } from "../support/receiver.js"
import { genuine, webhookOf } from "../support/webhook.js"

const signingSecret = `whsec_${Buffer.alloc(32, 9).toString("base64")}`
const app = { id: "2001", key: "hooked-key", secret: "hooked-secret" }
const [oldest, older, newest] = ["oldest", "older", "newest"].map((name) => ({
  id: "2002",
  key: `${name}-key`,
  secret: `${name}-secret`,
}))
const filtered = { id: "2003", key: "filtered-key", secret: "filtered-secret" }

const receiver = await Receiver.forThisFile()
const secure = await Receiver.forThisFile({
  cert: readFileSync(required("RECEIVER_CERT")),
  key: readFileSync(required("RECEIVER_KEY")),
})
const bellwire = await Bellwire.forThisFile(
  [
    {
      ...app,
      client_events: true,
      max_client_events_per_s: 0,
      subscription_count: true,
      webhooks: [
        { url: receiver.url("/all"), signing_secret: signingSecret },
        { url: receiver.url("/again"), events: ["channel_occupied"], channel_prefix: "again-" },
        { url: secure.url("/secure"), events: ["channel_occupied"], channel_prefix: "secure-" },
      ],
    },
    {
      id: oldest.id,
      keys: [
        { key: newest.key, secret: newest.secret, created_at: "2026-03-01T00:00:00Z" },
        { key: older.key, secret: older.secret, created_at: "2026-02-01T00:00:00Z" },
        { key: oldest.key, secret: oldest.secret, created_at: "2026-01-01T00:00:00Z", active: false },
      ],
      webhooks: [{ url: receiver.url("/keys") }],
    },
    {
      ...filtered,
      subscription_count: true,
      webhooks: [
        { url: receiver.url("/everything"), headers: { "X-Mine": "yes" } },
        { url: receiver.url("/some"), events: ["channel_vacated"], channel_prefix: "private-", channel_suffix: "-end" },
        { url: receiver.url("/counts"), events: ["subscription_count_changed"] },
      ],
    },
  ],
  { ca_file: required("RECEIVER_CA") },
)
const hook = receiver.hook("/all")

/** A delivery with other headers, or another body. */
const changed = (delivery, { headers = {}, ...more }) => ({
  ...delivery,
  ...more,
  headers: { ...delivery.headers, ...headers },
})

/** The text with one bit of its middle changed, which does no harm to what a parser makes of it. */
function oneByteOff(rawBody) {
  const bytes = Buffer.from(rawBody)
  const at = rawBody.indexOf('"time_ms":') + 15
  bytes[at] ^= 1
  return bytes.toString()
}

/** Something of every kind happens on two channels; hands back what the hook heard of it, in no order. */
async function everyKind(t) {
  const [room, cache] = [unique("presence-"), unique("private-cache-")]
  const ann = bellwire.client(t, app, { user_id: 10, user_info: { name: "Zoë" } })
  const bob = bellwire.client(t, app, { user_id: "bob" })
  for (const name of [room, cache]) {
    const spoken = await subscribed(ann, name)
    const heard = await subscribed(bob, name)
    spoken.trigger("client-said", { text: "Zoë 🔔", n: 1 })
    await event(heard, "client-said")
  }
  for (const pusher of [ann, bob]) pusher.disconnect()
  const wanted = [
    ["channel_occupied", room], ["member_added", room], ["member_added", room], ["client_event", room],
    ["member_removed", room], ["member_removed", room], ["channel_vacated", room],
    ["channel_occupied", cache], ["cache_miss", cache], ["subscription_count", cache],
    ["client_event", cache], ["channel_vacated", cache],
  ]
  return Promise.all(wanted.map(([name, channel]) => hook.next(name, channel)))
}

describe("the Node server SDK", () => {
  // contract: 16.1, 16.2, 16.8
  test("takes a webhook of every kind for genuine, one event a POST", async (t) => {
    const started_ms = Date.now()
    for (const { event, delivery } of await everyKind(t)) {
      assert.equal(delivery.method, "POST")
      assert.deepEqual(genuine(delivery, app), [event])
      const time_ms = webhookOf(delivery, app).getTime().getTime()
      // The server's clock is read a little coarser than ours.
      assert.ok(time_ms > started_ms - 1000 && time_ms < delivery.at_ms + 1000, `${time_ms}`)
    }
  })

  // contract: 16.2, 16.4
  test("refuses a changed body, signature, key or content type", async (t) => {
    const channel = unique("public-")
    await subscribed(bellwire.client(t, app), channel)
    const { delivery } = await hook.next("channel_occupied", channel)
    const signature = delivery.headers["x-pusher-signature"]
    genuine(delivery, app)
    const off = changed(delivery, { rawBody: oneByteOff(delivery.rawBody) })
    assert.notEqual(off.rawBody, delivery.rawBody)
    assert.equal(typeof JSON.parse(off.rawBody).time_ms, "number")
    for (const other of [
      off,
      changed(delivery, { headers: { "x-pusher-signature": signature.toUpperCase() } }),
      changed(delivery, { headers: { "x-pusher-key": filtered.key } }),
      changed(delivery, { headers: { "content-type": "application/json; charset=utf-8" } }),
    ]) {
      assert.equal(webhookOf(other, app).isValid(), false, JSON.stringify(other))
    }
    assert.equal(webhookOf(delivery, { ...app, secret: "another" }).isValid(), false)
  })

  // contract: 15.2, 16.2
  test("knows the oldest active key, as its own or as an extra token", async (t) => {
    const channel = unique("public-")
    await subscribed(bellwire.client(t, newest), channel)
    const { delivery } = await receiver.hook("/keys").next("channel_occupied", channel)
    assert.equal(delivery.headers["x-pusher-key"], older.key)
    genuine(delivery, older)
    const webhook = webhookOf(delivery, newest)
    assert.equal(webhook.isValid(), false)
    assert.equal(webhook.isValid(oldest), false)
    assert.equal(webhook.isValid({ ...older, secret: "another" }), false)
    assert.equal(webhook.isValid(older), true)
    assert.equal(webhook.isValid([oldest, older]), true)
  })
})

describe("events", () => {
  // contract: 16.7, 16.8, 16.11
  test("of a presence channel come in order: occupied, added, removed, vacated", async (t) => {
    const channel = unique("presence-")
    const ann = bellwire.client(t, app, { user_id: "ann" })
    const bob = bellwire.client(t, app, { user_id: "bob" })
    await subscribed(ann, channel)
    await subscribed(bob, channel)
    ann.disconnect()
    assert.equal((await hook.next("member_removed", channel)).event.user_id, "ann")
    bob.unsubscribe(channel)
    await hook.next("channel_vacated", channel)
    const heard = hook.accepted.map(({ event }) => event).filter((event) => event.channel === channel)
    assert.deepEqual(heard, [
      { name: "channel_occupied", channel },
      { name: "member_added", channel, user_id: "ann" },
      { name: "member_added", channel, user_id: "bob" },
      { name: "member_removed", channel, user_id: "ann" },
      { name: "member_removed", channel, user_id: "bob" },
      { name: "channel_vacated", channel },
    ])
  })

  // contract: 7.9, 16.8, 16.9
  test("of clients have the string that subscribers got, and a user on presence channels only", async (t) => {
    const speaker = bellwire.client(t, app, { user_id: 10 })
    const listener = bellwire.client(t, app, { user_id: "bob" })
    for (const channel of [unique("private-"), unique("presence-")]) {
      await subscribed(speaker, channel)
      const heard = await subscribed(listener, channel)
      const frames = []
      listener.connection.connection.transport.bind("message", ({ data }) => frames.push(JSON.parse(data)))
      for (const data of [{ text: "Zoë 🔔", list: [1.5, null] }, '{"n" : 1}', "plain", "", 7]) {
        speaker.channel(channel).trigger("client-said", data)
        await event(heard, "client-said")
        const frame = frames.find((one) => one.event === "client-said")
        frames.length = 0
        assert.equal(typeof frame.data, "string")
        assert.deepEqual((await hook.next("client_event", channel)).event, {
          name: "client_event",
          channel,
          event: "client-said",
          data: frame.data,
          socket_id: speaker.connection.socket_id,
          ...(channel.startsWith("presence-") ? { user_id: "10" } : {}),
        })
      }
    }
  })

  // contract: 8.4, 16.8
  test("tell of a cache miss once, however many missed", async (t) => {
    const channel = unique("cache-")
    const pushers = [1, 2, 3].map(() => bellwire.client(t, app))
    for (const pusher of pushers) await subscribed(pusher, channel)
    const counted = (n) => hook.next("subscription_count", channel, ({ event }) => event.subscription_count === n)
    await counted(3)
    // Events of a channel come in order: after this nothing comes of those that missed.
    pushers[0].unsubscribe(channel)
    await counted(2)
    await counted(2)
    assert.deepEqual((await hook.next("cache_miss", channel)).event, { name: "cache_miss", channel })
    assert.equal(hook.names(channel).filter((name) => name === "cache_miss").length, 1)
  })

  // contract: 14.2, 16.8
  test("tell of each new count of subscribers as a number", async (t) => {
    const channel = unique("public-")
    const [first, second] = [bellwire.client(t, app), bellwire.client(t, app)]
    const counted = async (count) =>
      assert.deepEqual((await hook.next("subscription_count", channel)).event, {
        channel,
        name: "subscription_count",
        subscription_count: count,
      })
    await subscribed(first, channel)
    await counted(1)
    await subscribed(second, channel)
    await counted(2)
    first.unsubscribe(channel)
    await counted(1)
  })

  // contract: 16.8, 16.9
  test("every value of every event is a string, but for the count", async (t) => {
    for (const { event, delivery } of await everyKind(t)) {
      const { time_ms, events, ...more } = JSON.parse(delivery.rawBody)
      assert.ok(Number.isSafeInteger(time_ms))
      assert.deepEqual([events, more], [[event], {}])
      for (const [field, value] of Object.entries(event)) {
        assert.equal(typeof value, field === "subscription_count" ? "number" : "string", `${event.name}: ${field}`)
      }
    }
  })
})

describe("endpoints", () => {
  // contract: 16.12
  test("hear of their app, of the kinds and channels that they asked for, and of nothing else", async (t) => {
    const [everything, some] = [receiver.hook("/everything"), receiver.hook("/some")]
    const wanted = [unique("private-"), unique("private-")].map((name) => `${name}-end`)
    const others = [unique("private-"), `${unique("public-")}-end`, `${unique("presence-private-")}-end`]
    const names = [wanted[0], ...others, wanted[1]]
    await subscribed(bellwire.client(t, app, { user_id: "ann" }), wanted[0])
    // Turn by turn, so that what should not come has had its time when the last has come.
    for (const name of names) {
      const pusher = bellwire.client(t, filtered, { user_id: "ann" })
      await subscribed(pusher, name)
      pusher.disconnect()
      genuine((await everything.next("channel_vacated", name)).delivery, filtered)
    }
    for (const name of wanted) genuine((await some.next("channel_vacated", name)).delivery, filtered)
    assert.deepEqual(some.accepted.map(({ event }) => event.channel), wanted)
    assert.equal(everything.names(wanted[0]).filter((name) => name === "channel_occupied").length, 1)
    assert.ok(everything.deliveries.every(({ headers }) => headers["x-mine"] === "yes"))
  })

  // contract: 16.8
  test("get counts under another host's name if they ask for that name", async (t) => {
    const channel = unique("public-")
    await subscribed(bellwire.client(t, filtered), channel)
    const { event, delivery } = await receiver.hook("/counts").next("subscription_count_changed", channel)
    assert.deepEqual(genuine(delivery, filtered), [event])
    assert.deepEqual(event, { channel, name: "subscription_count_changed", subscription_count: 1 })
    await receiver.hook("/everything").next("subscription_count", channel)
  })

  // contract: 16.13
  test("may speak https under an authority that the operator trusts", async (t) => {
    const channel = unique("secure-")
    await subscribed(bellwire.client(t, app), channel)
    const { event, delivery } = await secure.hook("/secure").next("channel_occupied", channel)
    assert.deepEqual(genuine(delivery, app), [event])
  })

  // contract: 16.5
  test("that answer anything but 2xx get the same bytes again, and a redirect is not followed", async (t) => {
    const again = receiver.hook("/again")
    const answers = [{ status: 500 }, { status: 302, more: { location: receiver.url("/elsewhere") } }, { status: 200 }]
    again.answer = () => answers.shift() ?? {}
    const channel = unique("again-")
    await subscribed(bellwire.client(t, app), channel)
    const { delivery } = await again.next("channel_occupied", channel)
    genuine(delivery, app)
    const attempts = again.deliveries.map(({ headers }) => headers["x-bellwire-attempt"])
    assert.deepEqual(attempts.slice(0, 3), ["1", "2", "3"])
    for (const name of ["webhook-id", "x-pusher-signature"]) {
      assert.equal(new Set(again.deliveries.map(({ headers }) => headers[name])).size, 1, name)
    }
    assert.equal(new Set(again.deliveries.map(({ rawBody }) => rawBody)).size, 1)
    assert.deepEqual(receiver.hook("/elsewhere").deliveries, [])
  })
})

describe("the Standard Webhooks library", () => {
  const library = new Webhook(signingSecret)

  async function delivered(t) {
    const channel = unique("public-")
    await subscribed(bellwire.client(t, app), channel)
    return (await hook.next("channel_occupied", channel)).delivery
  }

  // contract: 16.2
  test("takes the same webhooks for genuine by the endpoint's own secret", async (t) => {
    for (const { delivery } of await everyKind(t)) {
      assert.deepEqual(library.verify(delivery.rawBody, delivery.headers), JSON.parse(delivery.rawBody))
    }
  })

  test("refuses a changed body, another secret, another id and an old time", async (t) => {
    const delivery = await delivered(t)
    library.verify(delivery.rawBody, delivery.headers)
    const refuses = (verifier, { headers, rawBody }, why) =>
      assert.throws(() => verifier.verify(rawBody, headers), (error) => {
        assert.ok(error instanceof WebhookVerificationError)
        assert.match(error.message, why)
        return true
      })
    const another = new Webhook(`whsec_${Buffer.alloc(32, 8).toString("base64")}`)
    const nothing = /No matching signature/
    refuses(another, delivery, nothing)
    refuses(library, changed(delivery, { rawBody: oneByteOff(delivery.rawBody) }), nothing)
    refuses(library, changed(delivery, { headers: { "webhook-id": "msg_0" } }), nothing)
    const yesterday = String(Math.floor(Date.now() / 1000) - 86_400)
    refuses(library, changed(delivery, { headers: { "webhook-timestamp": yesterday } }), /too old/)
  })
})
