// pusher-js, the Node build, over each of its transports.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { AuthServer, reader, serverSdk } from "../support/auth-server.js"
import { pathPrefix, port } from "../support/host.js"
import {
  client, complaint, connected, event, eventually, everywhere, subscribe, subscribed, succeeded, transports, unique, unread,
} from "../support/client.js"

const auth = AuthServer.forThisFile()
const sdk = serverSdk()
const read = reader(sdk)

for (const transport of transports) {
  describe(`pusher-js over ${transport}`, () => {
    const open = (t, member, more = {}) => client(t, { transport, ...auth.as(member), ...more })

    // contract: 1.1, 1.3, 1.9, 1.10, 1.11, 1.12, B1.1, B4.1, B5.1
    test("connects by the transport asked for and learns its socket id and timeout", async (t) => {
      const pusher = await connected(open(t))
      assert.match(pusher.connection.socket_id, /^\d+\.\d+$/)
      assert.equal(pusher.connection.connection.transport.name, transport)
      assert.ok(Number.isInteger(pusher.connection.activityTimeout / 1000))
      assert.ok(pusher.connection.activityTimeout > 0)
    })

    // contract: 1.12
    test("gives every connection a socket id of its own", async (t) => {
      const all = await Promise.all(Array.from({ length: 5 }, () => connected(open(t))))
      assert.equal(new Set(all.map((pusher) => pusher.connection.socket_id)).size, 5)
    })

    // contract: 1.2
    test("connects under the operator's path prefix", async (t) => {
      const pusher = open(t, undefined, { wsPath: pathPrefix, httpPath: `${pathPrefix}/pusher` })
      await connected(pusher)
      await subscribed(pusher, unique("prefixed-"))
    })

    // contract: 2.1, 2.6, 3.8, B3.2, B4.6, B5.3
    test("answers the client's pings, each once, and stays up through silence", async (t) => {
      const pusher = await connected(open(t, undefined, { activityTimeout: 500 }))
      const socket = pusher.connection.socket_id
      let signs = 0
      const started = Date.now()
      await new Promise((done) => {
        const alive = () => (signs += 1) === 6 && done()
        pusher.connection.connection.bind("activity", alive)
        pusher.connection.connection.bind("pong", alive)
      })
      // Six answers to pings sent after half a second of silence each; a server that answers a
      // heartbeat with another one would be done at once.
      assert.ok(Date.now() - started > 600, `six signs of life in ${Date.now() - started} ms`)
      assert.equal(pusher.connection.socket_id, socket)
      assert.equal(pusher.connection.state, "connected")
    })

    // contract: 3.2, 3.7, 4.1, 4.2, 4.3, 4.6
    test("a public channel hears what the API publishes, as it was published", async (t) => {
      const pusher = open(t)
      const channel = await subscribed(pusher, unique("A_a-0=@,.;"))
      const published = [
        { text: "Zoë 🔔 \u2028 \\ / \"", list: [1, 2.5, null, true], nested: { deep: {} } },
        "plain text, not JSON",
        "",
        [],
        "12345678901234567890",
      ]
      for (const data of published) await sdk.trigger(channel.name, "news", data)
      assert.deepEqual(await event(channel, "news"), published[0])
      assert.equal(await event(channel, "news"), published[1])
      assert.equal(await event(channel, "news"), published[2])
      assert.deepEqual(await event(channel, "news"), published[3])
      assert.equal(await event(channel, "news"), JSON.parse(published[4]))
    })

    // contract: 12.9
    test("event names reach the client untouched", async (t) => {
      const channel = await subscribed(open(t), unique("names-"))
      for (const name of ["App\\Events\\Foo", "with space", "é🔔", "n".repeat(200)]) {
        await sdk.trigger(channel.name, name, { name })
        assert.deepEqual(await event(channel, name), { name })
      }
    })

    // contract: 4.12, 12.18
    test("unsubscribing ends delivery and leaves the connection be", async (t) => {
      const pusher = open(t)
      const left = await subscribed(pusher, unique("left-"))
      const kept = await subscribed(pusher, unique("kept-"))
      await sdk.trigger(left.name, "before", {})
      await event(left, "before")
      pusher.unsubscribe(left.name)
      await eventually("the channel is vacant", async () => !(await read(left.name)).occupied)
      left.subscribed = true // so that the SDK would hand on what the server should not send
      await sdk.trigger([left.name, kept.name], "after", {})
      await event(kept, "after")
      assert.equal(pusher.messages.unread((one) => one.channel === left.name && one.event === "after").length, 0)
      assert.equal(pusher.connection.state, "connected")
    })

    // contract: 4.12
    test("a channel can be left and joined again", async (t) => {
      const pusher = open(t)
      const name = unique("again-")
      await subscribed(pusher, name)
      pusher.unsubscribe(name)
      await eventually("the channel is vacant", async () => !(await read(name)).occupied)
      const again = await subscribed(pusher, name)
      await sdk.trigger(name, "hello", 1)
      assert.equal(await event(again, "hello"), 1)
    })

    // contract: 4.4, 4.6, 9.1
    test("private channels open to the signature of the customer's endpoint", async (t) => {
      const pusher = open(t)
      const before = auth.requests
      const channel = await subscribed(pusher, unique("private-A_a-0=@,.;"))
      assert.equal(auth.requests, before + 1)
      await sdk.trigger(channel.name, "secret", { a: 1 })
      assert.deepEqual(await event(channel, "secret"), { a: 1 })
    })

    // contract: 4.4
    test("private channels open to a custom handler's signature", async (t) => {
      const pusher = client(t, {
        transport,
        channelAuthorization: {
          customHandler: ({ socketId, channelName }, done) => done(null, sdk.authorizeChannel(socketId, channelName)),
        },
      })
      await subscribed(pusher, unique("private-custom-"))
    })

    // contract: 3.3, 3.4, 4.8, 4.9
    test("a forged signature is refused and the connection stays good", async (t) => {
      const pusher = client(t, { transport, ...auth.as(undefined, { forge: 1 }) })
      const refused = subscribe(pusher, unique("private-forged-"))
      const { code, message } = await complaint(pusher)
      assert.equal(code, null)
      assert.match(message, /Invalid signature/)
      const error = await event(refused, "pusher:subscription_error")
      assert.equal(error.type, "AuthError")
      assert.equal(typeof error.error, "string")
      assert.equal(error.status, 401)
      assert.equal(refused.subscribed, false)
      assert.equal((await read(refused.name)).occupied, false)
      await subscribed(pusher, unique("public-"))
    })

    // contract: 3.3, 4.8, 4.9
    test("a key of nobody is refused and the connection stays good", async (t) => {
      const pusher = client(t, {
        transport,
        channelAuthorization: { customHandler: (_, done) => done(null, { auth: `nobody:${"0".repeat(64)}` }) },
      })
      const refused = subscribe(pusher, unique("private-"))
      assert.match((await complaint(pusher)).message, /Invalid key in subscription auth data/)
      await event(refused, "pusher:subscription_error")
      await subscribed(pusher, unique("public-"))
    })

    // contract: 5.1, 5.4, 5.5, 5.6, 5.7, 5.12
    test("presence members see each other come and go", async (t) => {
      const name = unique("presence-")
      const info = { name: "Zoë", nested: { list: [1, { two: null }] } }
      const first = open(t, { user_id: "ann", user_info: info })
      const here = await subscribed(first, name)
      assert.equal(here.members.count, 1)
      assert.deepEqual(here.members.me, { id: "ann", info })

      const second = open(t, { user_id: 10 })
      const there = await subscribed(second, name)
      assert.deepEqual(there.members.members, { ann: info, 10: null })
      assert.equal(there.members.count, 2)
      assert.deepEqual(there.members.get("ann"), { id: "ann", info })

      const added = await event(here, "pusher:member_added")
      assert.equal(added.id, "10")
      assert.equal(here.members.count, 2)
      second.disconnect()
      assert.equal((await event(here, "pusher:member_removed")).id, "10")
      assert.equal(here.members.count, 1)
      assert.equal(there.inbox.unread(([one]) => one === "pusher:member_added").length, 0)
    })

    // contract: 5.7, 5.9, 5.11
    test("a user's second tab is neither announced nor missed", async (t) => {
      const name = unique("presence-")
      const watcher = await subscribed(open(t, { user_id: "watcher" }), name)
      const tabs = [open(t, { user_id: "bob", user_info: { tab: 1 } }), open(t, { user_id: "bob", user_info: { tab: 2 } })]
      await subscribed(tabs[0], name)
      const second = await subscribed(tabs[1], name)
      assert.deepEqual(second.members.members, { watcher: null, bob: { tab: 1 } })
      assert.deepEqual(await read(name, "user_count,subscription_count"), {
        occupied: true, user_count: 2, subscription_count: 3,
      })
      tabs[0].unsubscribe(name)
      await eventually("one tab is gone", async () => (await read(name, "subscription_count")).subscription_count === 2)
      tabs[1].unsubscribe(name)
      await event(watcher, "pusher:member_removed")
      assert.deepEqual(
        watcher.inbox.unread(([one]) => one.startsWith("pusher:member_")).map(([one, member]) => [one, member.id]),
        [["pusher:member_added", "bob"]],
      )
    })

    // contract: 3.7, 7.1, 7.2, 7.4
    test("client events reach the others on a private channel, with any data, and not the sender", async (t) => {
      const name = unique("private-")
      const [sender, hearer] = [open(t), open(t)]
      const from = await subscribed(sender, name)
      await subscribed(hearer, name)
      for (const data of [{ a: [1, "é"] }, "text", [1, 2], 7, true, null, "{\"json\":\"text\"}"]) {
        assert.ok(from.trigger("client-said", data))
        const message = await hearer.messages.next("the client event", (one) => one.event === "client-said")
        assert.deepEqual(message.data, typeof data === "string" && data.startsWith("{") ? JSON.parse(data) : data)
        assert.equal("user_id" in message, false)
      }
      await sdk.trigger(name, "fence", {})
      await event(from, "fence")
      assert.deepEqual(unread(from), [])
    })

    // contract: 7.1, 7.4
    test("client events on presence channels say who sent them", async (t) => {
      const name = unique("presence-")
      const [sender, tab, hearer] = [open(t, { user_id: 42 }), open(t, { user_id: 42 }), open(t, { user_id: "hearer" })]
      const from = await subscribed(sender, name)
      const otherTab = await subscribed(tab, name)
      const to = await subscribed(hearer, name)
      const metadata = new Promise((done) => to.bind("client-typing", (_, about) => done(about)))
      from.trigger("client-typing", {})
      assert.deepEqual(await metadata, { user_id: "42" })
      await event(otherTab, "client-typing")
    })

    // contract: 7.2, 7.6
    test("client events on a public channel are refused", async (t) => {
      const pusher = open(t)
      const channel = await subscribed(pusher, unique("public-"))
      channel.trigger("client-said", {})
      assert.equal((await complaint(pusher)).code, null)
      assert.equal(pusher.connection.state, "connected")
    })

    // contract: 12.11, 17.1
    test("the excluded socket, and only it, does not hear the event", async (t) => {
      const name = unique("excluded-")
      const [out, other] = [open(t), open(t)]
      const left = await subscribed(out, name)
      const heard = await subscribed(other, name)
      await sdk.trigger(name, "others", 1, { socket_id: out.connection.socket_id })
      await sdk.triggerBatch([
        { channel: name, name: "others-batch", data: 2, socket_id: out.connection.socket_id },
        { channel: name, name: "fence", data: 3 },
      ])
      assert.equal(await event(heard, "others"), 1)
      assert.equal(await event(heard, "others-batch"), 2)
      await event(left, "fence")
      assert.deepEqual(unread(left), [])
    })

    // contract: 4.7, 8.1, 8.2, 8.6
    test("a cache channel replays its last event to newcomers", async (t) => {
      for (const prefix of ["cache-", "private-cache-", "presence-cache-"]) {
        const name = unique(prefix)
        await sdk.trigger(name, "old", { n: 1 })
        await sdk.trigger(name, "last", { n: 2 }, { socket_id: "1.1" })
        await everywhere()
        const channel = subscribe(open(t, { user_id: "ann" }), name)
        assert.equal(await nextButCounts(channel), "pusher:subscription_succeeded")
        const [replayed, data] = await channel.inbox.next("the cached event", ([one]) => one !== "pusher:subscription_count")
        assert.deepEqual([replayed, data], ["last", { n: 2 }])
        await sdk.trigger(name, "fence", {})
        assert.equal(await nextButCounts(channel), "fence")
      }
    })

    // contract: 3.8, 4.7, 7.7, 8.2, 8.5
    test("an empty cache is said to be empty, and client events do not fill it", async (t) => {
      const name = unique("private-cache-")
      const [first, second] = [open(t), open(t)]
      const channel = subscribe(first, name)
      assert.equal(await nextButCounts(channel), "pusher:subscription_succeeded")
      assert.equal(await nextButCounts(channel), "pusher:cache_miss")
      const other = await subscribed(second, name)
      await event(other, "pusher:cache_miss")
      channel.trigger("client-said", {})
      await event(other, "client-said")
      await event(await subscribed(open(t), name), "pusher:cache_miss")
    })

    // contract: 9.1, 9.2, 9.3
    test("encrypted channels: the SDKs agree over the server's head", async (t) => {
      const channel = await subscribed(open(t), unique("private-encrypted-"))
      await sdk.trigger(channel.name, "sealed", { secret: "Zoë" })
      assert.deepEqual(await event(channel, "sealed"), { secret: "Zoë" })
      await sdk.triggerBatch([{ channel: channel.name, name: "sealed-batch", data: "text" }])
      assert.equal(await event(channel, "sealed-batch"), "text")
    })

    // contract: 8.2, 8.8, 9.1
    test("an encrypted cache channel replays the ciphertext", async (t) => {
      const name = unique("private-encrypted-cache-")
      await sdk.trigger(name, "sealed", { secret: 1 })
      const channel = await subscribed(open(t), name)
      assert.deepEqual(await event(channel, "sealed"), { secret: 1 })
    })

    // contract: 14.1, 14.2
    test("subscribers are told how many they are", async (t) => {
      const name = unique("counted-")
      const [first, second] = [open(t), open(t)]
      const channel = await subscribed(first, name)
      assert.deepEqual(await event(channel, "pusher:subscription_count"), { subscription_count: 1 })
      const other = await subscribed(second, name)
      assert.deepEqual(await event(other, "pusher:subscription_count"), { subscription_count: 2 })
      assert.deepEqual(await event(channel, "pusher:subscription_count"), { subscription_count: 2 })
      assert.equal(channel.subscriptionCount, 2)
      second.unsubscribe(name)
      assert.deepEqual(await event(channel, "pusher:subscription_count"), { subscription_count: 1 })
    })

    // contract: 4.14
    test("after reconnecting the client subscribes and authorises afresh", async (t) => {
      const pusher = open(t, { user_id: "ann" })
      const channels = [await subscribed(pusher, unique("public-")), await subscribed(pusher, unique("presence-"))]
      const socket = pusher.connection.socket_id
      pusher.disconnect()
      pusher.connect()
      await connected(pusher)
      assert.notEqual(pusher.connection.socket_id, socket)
      for (const channel of channels) {
        await succeeded(channel)
        await sdk.trigger(channel.name, "back", {})
        await event(channel, "back")
      }
    })

    // contract: 3.10, 4.11, 4.12, 4.13
    test("what makes no sense is answered with an error and costs nothing else", async (t) => {
      const pusher = open(t)
      const channel = await subscribed(pusher, unique("once-"))
      const say = async (name, data) => {
        pusher.send_event(name, data)
        const { code, message } = await complaint(pusher)
        assert.equal(code, null)
        return message
      }
      assert.match(await say("pusher:subscribe", { channel: channel.name, auth: "" }), /Existing subscription to channel/)
      assert.match(await say("pusher:unsubscribe", { channel: unique("never-") }), /No current subscription to channel/)
      assert.match(await say("pusher:nonsense", {}), /Unsupported event received on socket/)
      await say("pusher:subscribe", { channel: "no spaces", auth: "" })
      await say("pusher:subscribe", { channel: "l".repeat(165), auth: "" })
      await say("pusher:subscribe", { channel: "#other", auth: "" })
      await sdk.trigger(channel.name, "still-here", {})
      await event(channel, "still-here")
    })

    // contract: 4.3
    test("a channel name may have 164 characters", async (t) => {
      await subscribed(open(t), unique("l".repeat(152)))
    })

    // contract: 4.7, 12.5, B4.3, B6.4
    test("a megabyte arrives whole, once and in order, on one session", async (t) => {
      const pusher = open(t)
      const channel = await subscribed(pusher, unique("long-"))
      const socket = pusher.connection.socket_id
      const filler = "é".repeat(5000)
      for (let n = 0; n < 100; n += 1) await sdk.trigger(channel.name, `n${n}`, filler)
      for (let n = 0; n < 100; n += 1) {
        const [name, data] = await channel.inbox.next(`event n${n}`, ([one]) => !one.startsWith("pusher:"))
        assert.equal(name, `n${n}`)
        assert.equal(data, filler)
      }
      await sdk.trigger(channel.name, "end", {})
      await event(channel, "end")
      assert.deepEqual(unread(channel), [])
      assert.equal(pusher.connection.socket_id, socket)
    })
  })
}

// contract: 3.11
test("over a WebSocket, a frame that is not JSON is answered with an error", async (t) => {
  const pusher = await connected(client(t))
  pusher.connection.send("not JSON")
  await complaint(pusher)
  await subscribed(pusher, unique("after-"))
})

// contract: B7.3
test("SockJS is not offered", async () => {
  const answer = await fetch(`http://${process.env.BELLWIRE_HOST}:${port}/pusher/info`)
  assert.equal(answer.status, 404)
})

/** The name of the channel's next event, in order; subscription counts may come at any time. */
async function nextButCounts(channel) {
  const [name] = await channel.inbox.next(
    `an event on ${channel.name}`,
    ([one]) => one !== "pusher:subscription_count",
  )
  return name
}
