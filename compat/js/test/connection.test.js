// What pusher-js makes of refusals, limits of an app, tokens and TLS.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { AuthServer, serverSdk } from "../support/auth-server.js"
import {
  client, complaint, connected, event, eventually, refusal, subscribe, subscribed, transports, unique,
} from "../support/client.js"
import { apps, revokedToken, secondToken, tlsPort } from "../support/host.js"

const auth = AuthServer.forThisFile()
const guardedAuth = AuthServer.forThisFile(apps.guarded)
const secondAuth = AuthServer.forThisFile(secondToken)
const roomAuth = AuthServer.forThisFile(apps.room)

/** The client was told why, gave up, and tells nobody that it is still trying. */
async function givenUp(pusher, expected) {
  const { code, message } = await refusal(pusher)
  assert.equal(code, expected)
  assert.equal(typeof message, "string")
  await pusher.states.next("the state `disconnected`", (state) => state === "disconnected")
  return message
}

for (const transport of transports) {
  describe(`refusals over ${transport}`, () => {
    // contract: 1.7, 1.8, 1.9, 3.3, B6.7
    test("an unknown key is refused for good with 4001", async (t) => {
      await givenUp(client(t, { transport, app: { key: "nobody" } }), 4001)
    })

    // contract: 15.1
    test("a revoked key is refused for good with 4001", async (t) => {
      await givenUp(client(t, { transport, app: revokedToken }), 4001)
    })

    // contract: 1.7, 1.16
    test("a disabled app is refused for good with 4003", async (t) => {
      await givenUp(client(t, { transport, app: apps.disabled }), 4003)
    })

    // contract: 1.13, 4.5, 15.1, 15.3
    test("any active token opens connections and channels", async (t) => {
      await subscribed(client(t, { transport, app: secondToken, ...auth.as() }), unique("private-"))
      await subscribed(client(t, { transport, ...secondAuth.as() }), unique("private-"))
    })

    // contract: 10.1
    test("a guarded app closes who does not authorise with 4009", async (t) => {
      const pusher = client(t, { transport, app: apps.guarded })
      await subscribed(pusher, unique("public-"))
      await givenUp(pusher, 4009)
    })

    // contract: 10.1, 10.5
    test("a guarded app keeps who joined a private channel, even once it is left", async (t) => {
      const idle = client(t, { transport, app: apps.guarded })
      const pusher = client(t, { transport, app: apps.guarded, ...guardedAuth.as() })
      const channel = await subscribed(pusher, unique("private-"))
      pusher.unsubscribe(channel.name)
      const socket = pusher.connection.socket_id
      await givenUp(idle, 4009)
      const late = client(t, { transport, app: apps.guarded })
      await connected(late)
      await givenUp(late, 4009)
      assert.equal(pusher.connection.state, "connected")
      assert.equal(pusher.connection.socket_id, socket)
      await subscribed(pusher, unique("public-"))
    })

    // contract: 10.1
    test("a guarded app keeps who signed in", async (t) => {
      const pusher = client(t, { transport, app: apps.guarded, ...guardedAuth.as({ id: unique("user-") }) })
      pusher.signin()
      await pusher.messages.next("pusher:signin_success", (one) => one.event === "pusher:signin_success")
      const late = client(t, { transport, app: apps.guarded })
      await givenUp(late, 4009)
      assert.equal(pusher.connection.state, "connected")
    })

    // contract: 3.3, 4.9, 5.3
    test("a full presence channel refuses newcomers, not further tabs, and keeps the connection", async (t) => {
      const name = unique("presence-")
      const member = (id) => client(t, { transport, app: apps.room, ...roomAuth.as({ user_id: id }) })
      await subscribed(member("ann"), name)
      await subscribed(member("bob"), name)
      await subscribed(member("ann"), name)
      const late = member("one-too-many")
      const refused = subscribe(late, name)
      assert.equal((await complaint(late)).code, null)
      await event(refused, "pusher:subscription_error")
      await subscribed(late, unique("presence-"))
    })
  })
}

// contract: 1.7, 1.15, B6.6
test("over its quota an app refuses newcomers with 4004 and keeps who is there", async (t) => {
  const open = (transport) => client(t, { transport, app: apps.small })
  const held = [open("ws"), open("xhr_streaming")]
  for (const pusher of held) await connected(pusher)
  for (const transport of transports) await givenUp(open(transport), 4004)
  for (const pusher of held) await subscribed(pusher, unique("kept-"))
  held[0].disconnect()
  await eventually("a connection that ended makes room for another", async () => {
    const next = open("ws")
    const outcome = await next.states.next("an outcome", (state) => state === "connected" || state === "disconnected")
    return outcome === "connected"
  })
})

describe("TLS", () => {
  // contract: 1.14
  test("an app that forces TLS sends plain clients to TLS with 4000, and they go by themselves", async (t) => {
    const pusher = client(t, { app: apps.secure, wssPort: tlsPort, enabledTransports: ["ws", "wss"] })
    assert.equal((await refusal(pusher)).code, 4000)
    await connected(pusher)
    assert.equal(pusher.connection.isUsingTLS(), true)
    await subscribed(pusher, unique("public-"))
  })

  for (const transport of transports) {
    // contract: 1.1, 12.1
    test(`everything works over TLS with ${transport}`, async (t) => {
      const pusher = client(t, { transport, forceTLS: true, wssPort: tlsPort, httpsPort: tlsPort, ...auth.as() })
      const channel = await subscribed(pusher, unique("private-"))
      await serverSdk(apps.main, { port: tlsPort, useTLS: true }).trigger(channel.name, "hello", { over: "TLS" })
      assert.deepEqual(await event(channel, "hello"), { over: "TLS" })
    })
  }
})

describe("client events", () => {
  // contract: 3.4, 7.5
  test("more than ten a second are dropped with 4301 and the connection stays", async (t) => {
    const name = unique("private-")
    const [sender, hearer] = [client(t, auth.as()), client(t, auth.as())]
    const from = await subscribed(sender, name)
    const to = await subscribed(hearer, name)
    for (let n = 0; n < 200; n += 1) from.trigger("client-flood", n)
    assert.equal((await complaint(sender)).code, 4301)
    assert.equal(await event(to, "client-flood"), 0)
    assert.equal(sender.connection.state, "connected")
    await serverSdk().trigger(name, "fence", {})
    await event(from, "fence")
  })

  // contract: 7.2, 7.6
  test("are refused with Pusher's words where the app has not enabled them", async (t) => {
    const sdk = serverSdk(apps.plain)
    const pusher = client(t, {
      app: apps.plain,
      channelAuthorization: {
        customHandler: ({ socketId, channelName }, done) => done(null, sdk.authorizeChannel(socketId, channelName)),
      },
    })
    const channel = await subscribed(pusher, unique("private-"))
    channel.trigger("client-said", {})
    const { code, message } = await complaint(pusher)
    assert.equal(code, null)
    assert.equal(message, "To send client events, you must enable this feature in the Settings page of your dashboard.")
  })

  // contract: 7.2, 7.6
  test("need a subscription", async (t) => {
    const pusher = await connected(client(t))
    const name = unique("private-")
    pusher.send_event("client-said", {}, name)
    assert.deepEqual(await complaint(pusher), {
      code: null,
      message: `Cannot broadcast client event (connection not subscribed to channel ${name})`,
    })
  })

  // contract: 7.6
  test("need data", async (t) => {
    const pusher = client(t, auth.as())
    const channel = await subscribed(pusher, unique("private-"))
    channel.trigger("client-said", undefined)
    assert.deepEqual(await complaint(pusher), {
      code: null,
      message: "Invalid client event (must contain channel and data)",
    })
  })
})

// contract: 14.1, 14.2
test("without its toggle nobody is told subscription counts", async (t) => {
  const channel = await subscribed(client(t, { app: apps.plain }), unique("public-"))
  await subscribed(client(t, { app: apps.plain }), channel.name)
  await serverSdk(apps.plain).trigger(channel.name, "fence", {})
  await event(channel, "fence")
  assert.deepEqual(channel.inbox.unread(([name]) => name === "pusher:subscription_count"), [])
})
