// The official Node server SDK (npm `pusher`) against the HTTP API.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import ServerSdk from "pusher"
import { AuthServer, reader, serverSdk } from "../support/auth-server.js"
import { client, event, everywhere, subscribed, unique } from "../support/client.js"
import { apps, host, pathPrefix, port, revokedToken, secondToken } from "../support/host.js"

const auth = AuthServer.forThisFile()
const sdk = serverSdk()
const read = reader(sdk)
const json = async (answer) => (await answer).json()

/** The call fails with this status; the plain-text body is handed back. */
async function refused(call, status) {
  const error = await call.then(
    () => assert.fail(`expected ${status}, but the call went through`),
    (error) => error,
  )
  assert.equal(error.status, status, `${error.message}: ${error.body}`)
  assert.match(error.body, /^[^\n]+\n$/)
  assert.throws(() => JSON.parse(error.body))
  return error.body
}

describe("publishing", () => {
  // contract: 12.1, 12.2, 12.5, 12.6
  test("one event reaches many channels, each once", async (t) => {
    const pusher = client(t)
    const channels = [await subscribed(pusher, unique("a-")), await subscribed(pusher, unique("b-"))]
    const names = channels.map(({ name }) => name)
    const answer = await sdk.trigger([...names, names[0]], "all", { n: 1 })
    assert.equal(answer.status, 200)
    assert.deepEqual(await answer.json(), {})
    await sdk.trigger(names, "fence", {})
    for (const channel of channels) {
      assert.deepEqual(await event(channel, "all"), { n: 1 })
      await event(channel, "fence")
      assert.deepEqual(channel.inbox.unread(([name]) => name === "all"), [])
    }
  })

  // contract: 12.5
  test("a hundred channels take one event", async () => {
    const channels = Array.from({ length: 100 }, () => unique("many-"))
    assert.deepEqual(await json(sdk.trigger(channels, "all", {})), {})
  })

  // contract: 12.6, 12.7, 12.8
  test("asked for, the channels' attributes come back", async (t) => {
    const [publicName, presenceName, vacant] = [unique("public-"), unique("presence-"), unique("presence-")]
    await subscribed(client(t), publicName)
    await subscribed(client(t, auth.as({ user_id: "ann" })), presenceName)
    await subscribed(client(t, auth.as({ user_id: "ann" })), presenceName)
    await everywhere()
    const answer = await json(
      sdk.trigger([publicName, presenceName, vacant, publicName], "x", {}, { info: "user_count,subscription_count" }),
    )
    assert.deepEqual(answer, {
      channels: {
        [publicName]: { subscription_count: 1 },
        [presenceName]: { user_count: 1, subscription_count: 2 },
        [vacant]: { user_count: 0, subscription_count: 0 },
      },
    })
  })

  // contract: 12.14, 12.15
  test("a batch publishes each event, and answers in step with it", async (t) => {
    const channel = await subscribed(client(t), unique("batch-"))
    const batch = (more) => [
      { channel: channel.name, name: "one", data: { n: 1 } },
      { channel: channel.name, name: "two", data: "text", ...more },
    ]
    assert.deepEqual(await json(sdk.triggerBatch(batch())), {})
    assert.deepEqual(await event(channel, "one"), { n: 1 })
    assert.equal(await event(channel, "two"), "text")
    await everywhere()
    assert.deepEqual(await json(sdk.triggerBatch(batch({ info: "subscription_count" }))), {
      batch: [{}, { subscription_count: 1 }],
    })
  })

  // contract: 12.3, 12.14
  test("a batch of eleven is too large", async () => {
    const batch = Array.from({ length: 11 }, (_, n) => ({ channel: "a", name: "x", data: n }))
    assert.match(await refused(sdk.triggerBatch(batch), 400), /Batch too large/)
  })

  // contract: 12.3, 12.5, 12.13
  test("10 240 bytes of data pass, one more does not", async (t) => {
    const channel = await subscribed(client(t), unique("size-"))
    const whole = "é".repeat(5120)
    await sdk.trigger(channel.name, "whole", whole)
    assert.equal(await event(channel, "whole"), whole)
    const body = await refused(sdk.trigger(channel.name, "more", `${whole}.`), 413)
    assert.match(body, /The data content of this event exceeds the allowed maximum \(10240 bytes\)/)
  })

  // contract: 12.13, 12.14
  test("a batch of ten full events passes; with one too long nothing is published", async (t) => {
    const channel = await subscribed(client(t), unique("size-"))
    const full = () => Array.from({ length: 10 }, (_, n) => ({ channel: channel.name, name: `n${n}`, data: "\"".repeat(10240) }))
    await sdk.triggerBatch(full())
    for (let n = 0; n < 10; n += 1) await event(channel, `n${n}`)
    const over = full()
    over[9].data += "."
    await refused(sdk.triggerBatch(over), 413)
    await sdk.trigger(channel.name, "fence", {})
    await event(channel, "fence")
    assert.deepEqual(channel.inbox.unread(([name]) => name.startsWith("n")), [])
  })

  // contract: 4.3, 12.3, 12.9
  test("what may not be published is refused", async () => {
    await refused(sdk.trigger("a", "pusher:mine", {}), 400)
    await refused(sdk.trigger("a", "pusher_internal:mine", {}), 400)
    await refused(sdk.trigger("l".repeat(165), "x", {}), 400)
    await refused(sdk.triggerBatch([{ channel: "no spaces", name: "x", data: {} }]), 400)
    await refused(sdk.triggerBatch([{ channel: "a", name: "n".repeat(201), data: {} }]), 400)
    await refused(sdk.triggerBatch([{ channel: "a", name: "x", data: {}, socket_id: "nonsense" }]), 400)
    await refused(sdk.triggerBatch([{ channel: "a", data: {} }]), 400)
    await refused(sdk.trigger("a", "x", {}, { info: "nonsense" }), 400)
  })

  // contract: 12.8
  test("subscription counts are refused where the app does not count", async () => {
    await refused(serverSdk(apps.plain).trigger("a", "x", {}, { info: "subscription_count" }), 400)
  })

  // contract: 12.11
  test("excluding a socket that is not there is no error", async () => {
    assert.deepEqual(await json(sdk.trigger("a", "x", {}, { socket_id: "151004717.3505838415" })), {})
  })
})

describe("queries", () => {
  // contract: 12.16, 12.17
  test("occupied channels are listed, by prefix and with user counts", async (t) => {
    const prefix = unique("presence-list-")
    const pusher = client(t, auth.as({ user_id: "ann" }))
    const other = await subscribed(pusher, unique("other-"))
    for (const name of [`${prefix}-a`, `${prefix}-b`]) await subscribed(pusher, name)
    const list = (params) => json(sdk.get({ path: "/channels", params }))
    await everywhere()
    const all = await list({})
    for (const name of [other.name, `${prefix}-a`, `${prefix}-b`]) assert.deepEqual(all.channels[name], {})
    assert.deepEqual(await list({ filter_by_prefix: prefix }), {
      channels: { [`${prefix}-a`]: {}, [`${prefix}-b`]: {} },
    })
    assert.deepEqual(await list({ filter_by_prefix: prefix, info: "user_count" }), {
      channels: { [`${prefix}-a`]: { user_count: 1 }, [`${prefix}-b`]: { user_count: 1 } },
    })
    assert.deepEqual(await list({ filter_by_prefix: unique("nothing-") }), { channels: {} })
    assert.ok(other.name in (await list({ filter_by_prefix: "" })).channels)
  })

  // contract: 12.3, 12.17
  test("user counts are for presence prefixes only, and other attributes for nobody", async () => {
    const list = (params) => sdk.get({ path: "/channels", params })
    await refused(list({ info: "user_count" }), 400)
    await refused(list({ filter_by_prefix: "private-", info: "user_count" }), 400)
    await refused(list({ filter_by_prefix: "presence-", info: "nonsense" }), 400)
    await refused(list({ filter_by_prefix: "presence-", info: "subscription_count" }), 400)
  })

  // contract: 12.18, 14.2
  test("a channel tells whether it is occupied, and its counts", async (t) => {
    const [publicName, presenceName] = [unique("A_a-0=@,.;"), unique("presence-A_a-0=@,.;")]
    assert.deepEqual(await read(publicName), { occupied: false })
    await subscribed(client(t), publicName)
    assert.deepEqual(await read(publicName, "subscription_count"), { occupied: true, subscription_count: 1 })
    assert.deepEqual(await read(presenceName, "user_count"), { occupied: false, user_count: 0 })
    await subscribed(client(t, auth.as({ user_id: "ann" })), presenceName)
    assert.deepEqual(await read(presenceName, "user_count"), { occupied: true, user_count: 1 })
  })

  // contract: 12.3, 12.18
  test("attributes that a channel does not have are refused", async () => {
    await refused(sdk.get({ path: "/channels/public", params: { info: "user_count" } }), 400)
    await refused(sdk.get({ path: "/channels/public", params: { info: "cache" } }), 400)
    await refused(sdk.get({ path: "/channels/public", params: { info: "nonsense" } }), 400)
    await refused(serverSdk(apps.plain).get({ path: "/channels/public", params: { info: "subscription_count" } }), 400)
  })

  // contract: 8.1, 8.3, 8.7
  test("a cache channel shows what it holds, occupied or not", async () => {
    const name = unique("cache-")
    assert.deepEqual(await read(name, "cache"), { occupied: false, cache: null })
    await sdk.trigger(name, "kept", { n: 1 })
    const { occupied, cache } = await read(name, "cache")
    assert.equal(occupied, false)
    assert.equal(cache.data, '{"n":1}')
    assert.ok(Number.isInteger(cache.ttl) && cache.ttl > 0 && cache.ttl <= 1800, `ttl ${cache.ttl}`)
  })

  // contract: 5.6, 12.19
  test("the users of a presence channel are listed, each once and by text", async (t) => {
    const name = unique("presence-")
    const users = async () => (await json(sdk.get({ path: `/channels/${name}/users`, params: {} }))).users
    assert.deepEqual(await users(), [])
    for (const user_id of [10, 10, "ann"]) await subscribed(client(t, auth.as({ user_id })), name)
    await everywhere()
    const ids = (await users()).sort((a, b) => (a.id < b.id ? -1 : 1))
    assert.deepEqual(ids, [{ id: "10" }, { id: "ann" }])
  })

  // contract: 12.3, 12.19
  test("users are for presence channels, without further parameters", async () => {
    await refused(sdk.get({ path: "/channels/private-a/users", params: {} }), 400)
    const body = await refused(sdk.get({ path: "/channels/presence-a/users", params: { info: "user_count" } }), 400)
    assert.match(body, /The following query string parameters are extraneous: info/)
  })

  // contract: 12.20
  test("the deprecated endpoints still answer", async (t) => {
    const name = unique("presence-")
    await subscribed(client(t, auth.as({ user_id: "ann" })), name)
    await everywhere()
    const stats = await json(sdk.get({ path: `/channels/${name}/stats`, params: {} }))
    assert.equal(stats.occupied, true)
    assert.equal(stats.user_count, 1)
    const channel = await subscribed(client(t), unique("old-"))
    const answer = await sdk.post({ path: `/channels/${channel.name}/events`, params: { name: "old" }, body: { n: 1 } })
    assert.equal(answer.status, 202)
    assert.equal(await answer.text(), "")
    assert.deepEqual(await event(channel, "old"), { n: 1 })
  })
})

describe("who may call", () => {
  // contract: 13.1, 13.2, 13.11
  test("a wrong secret is refused with the string that should have been signed", async () => {
    const body = await refused(serverSdk({ ...apps.main, secret: "wrong" }).trigger("a", "x", {}), 401)
    assert.match(body, /^Invalid signature: you should have sent HmacSHA256Hex\("POST\\n\/apps\//)
    assert.ok(body.includes("body_md5="))
    assert.ok(!body.includes(apps.main.secret))
  })

  // contract: 13.11, 13.12, 15.1
  test("keys that are unknown, revoked or of another app are refused", async () => {
    const as = (app) => serverSdk(app).trigger("a", "x", {})
    assert.match(await refused(as({ ...apps.main, key: "nobody" }), 401), /Unknown auth_key/)
    await refused(as(revokedToken), 401)
    await refused(as({ ...apps.plain, id: apps.main.id }), 401)
  })

  // contract: 15.1
  test("a second token is as good as the first", async () => {
    assert.deepEqual(await json(serverSdk(secondToken).trigger("a", "x", {})), {})
  })

  // contract: 13.7, 13.11
  test("a clock that is off by ten minutes is refused, by less is not", async (t) => {
    const now = Date.now
    t.after(() => (Date.now = now))
    Date.now = () => now() - 660_000
    assert.match(await refused(sdk.trigger("a", "x", {}), 401), /Timestamp expired/)
    Date.now = () => now() + 660_000
    assert.match(await refused(sdk.trigger("a", "x", {}), 401), /Timestamp expired/)
    Date.now = () => now() - 480_000
    assert.deepEqual(await json(sdk.trigger("a", "x", {})), {})
  })

  // contract: 12.3, 12.21
  test("an app that does not exist is not found, one that is disabled is forbidden", async () => {
    await refused(serverSdk({ ...apps.main, id: "999999999" }).trigger("a", "x", {}), 404)
    await refused(sdk.get({ path: "/nothing/here", params: {} }), 404)
    await refused(serverSdk(apps.disabled).trigger("a", "x", {}), 403)
  })

  // contract: 12.1, 13.2
  test("the SDK can be made from a URL", async () => {
    const { id, key, secret } = apps.main
    const fromUrl = ServerSdk.forURL(`http://${key}:${secret}@${host}:${port}/apps/${id}`)
    assert.deepEqual(await json(fromUrl.trigger("a", "x", {})), {})
  })

  // contract: 12.1, 13.4
  test("under the operator's path prefix the bare path is what is signed", async () => {
    const path = `/apps/${apps.main.id}/channels`
    const query = sdk.createSignedQueryString({ method: "GET", path, params: {} })
    const answer = await fetch(`http://${host}:${port}${pathPrefix}${path}?${query}`)
    assert.equal(answer.status, 200)
    assert.equal(typeof (await answer.json()).channels, "object")
  })
})

// contract: 11.1, 11.5, 13.4
test("terminating answers {} for anybody, with any characters in the id", async () => {
  for (const id of ["123", "A_a-0=@,.;", "foo bar", "Zoë 🔔"]) {
    assert.deepEqual(await json(sdk.terminateUserConnections(id)), {})
  }
})

// contract: 6.7, 12.10
test("messages to nobody in particular are fine, and client- names are not reserved", async () => {
  assert.deepEqual(await json(sdk.sendToUser(unique("offline-"), "x", {})), {})
  assert.deepEqual(await json(sdk.trigger("a", "client-from-the-server", {})), {})
})
