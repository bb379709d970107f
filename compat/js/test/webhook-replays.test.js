// What an operator does by hand with webhooks, and what SDKs and libraries make of it: sending again
// what was sent yesterday, and giving an endpoint a new secret.
import assert from "node:assert/strict"
import { createHmac } from "node:crypto"
import { test } from "node:test"
import { Webhook } from "standardwebhooks"
import { Bellwire } from "../support/bellwire.js"
import { eventually, subscribed, unique } from "../support/client.js"
import { Receiver } from "../support/receiver.js"
import { webhookOf } from "../support/webhook.js"

const signingSecret = `whsec_${Buffer.alloc(32, 9).toString("base64")}`
const app = { id: "2001", key: "hooked-key", secret: "hooked-secret" }
const receiver = await Receiver.forThisFile()
const bellwire = await Bellwire.forThisFile([
  { ...app, webhooks: [{ url: receiver.url("/declared"), signing_secret: signingSecret }] },
])

/** Occupies a channel; what the hook hears of it. */
async function occupied(t, hook) {
  const channel = unique("public-")
  await subscribed(bellwire.client(t, app), channel)
  return { channel, ...(await hook.next("channel_occupied", channel)) }
}

/** A delivery as it would have been a day earlier: the same but for its times, and signed for them. */
function aDayEarlier({ headers, rawBody, ...more }) {
  const { time_ms, events } = JSON.parse(rawBody)
  const body = JSON.stringify({ time_ms: time_ms - 86_400_000, events })
  const timestamp = new Date((Number(headers["webhook-timestamp"]) - 86_400) * 1000)
  return {
    ...more,
    rawBody: body,
    headers: {
      ...headers,
      "x-pusher-signature": createHmac("sha256", app.secret).update(body).digest("hex"),
      "webhook-timestamp": String(timestamp / 1000),
      "webhook-signature": new Webhook(signingSecret).sign(headers["webhook-id"], timestamp, body),
    },
  }
}

// contract: 16.6
test("what was sent yesterday is accepted when it is replayed, because its time is new", async (t) => {
  const hook = receiver.hook("/declared")
  const library = new Webhook(signingSecret)
  const { channel, delivery } = await occupied(t, hook)
  const original = JSON.parse(delivery.rawBody)
  const old = aDayEarlier(delivery)
  assert.equal(webhookOf(old, app).isValid(), true, "it is signed rightly")
  assert.throws(() => library.verify(old.rawBody, old.headers), /too old/)

  const id = delivery.headers["webhook-id"]
  await eventually("the delivery is listed", async () => {
    const listed = await bellwire.run("webhooks", "deliveries", app.id)
    return listed.some((one) => one.id === id && one.status === "delivered")
  })
  await bellwire.run("webhooks", "replay", id)
  const { delivery: replayed } = await hook.next("channel_occupied", channel)
  assert.ok(replayed.headers["x-bellwire-replay"])
  assert.equal(replayed.headers["webhook-id"], id)
  const webhook = webhookOf(replayed, app)
  assert.equal(webhook.isValid(), true)
  assert.deepEqual(webhook.getEvents(), original.events)
  assert.ok(webhook.getTime() > original.time_ms, `${webhook.getTime()}`)
  assert.deepEqual(library.verify(replayed.rawBody, replayed.headers), webhook.getData())
})

test("after a new secret is made, the old one and the new one verify until the overlap ends", async (t) => {
  const hook = receiver.hook("/stored")
  const { id, secret: first } = await bellwire.run("webhooks", "add", app.id, receiver.url("/stored"))
  await eventually("the new endpoint hears of something", async () => {
    await subscribed(bellwire.client(t, app), unique("public-"))
    return hook.accepted.length > 0
  })
  const verifies = (secret, { rawBody, headers }) => {
    try {
      return new Webhook(secret).verify(rawBody, headers) !== undefined
    } catch (error) {
      assert.match(error.message, /No matching signature/)
      return false
    }
  }
  /** The first delivery from now on that this secret verifies. */
  const verified = async (secret) => {
    let delivery
    await eventually("the new secret signs", async () => {
      delivery = (await occupied(t, hook)).delivery
      return verifies(secret, delivery)
    })
    return delivery
  }
  assert.ok(verifies(first, (await occupied(t, hook)).delivery))

  const { secret: second } = await bellwire.run("webhooks", "rotate-secret", id)
  assert.notEqual(second, first)
  const during = await verified(second)
  assert.equal(verifies(first, during), true)
  assert.equal(during.headers["webhook-signature"].split(" ").length, 2)
  assert.equal(webhookOf(during, app).isValid(), true)

  const { secret: third } = await bellwire.run("webhooks", "rotate-secret", id, "--overlap-hours", "0")
  const after = await verified(third)
  assert.equal(verifies(second, after), false)
  assert.equal(verifies(first, after), false)
})
