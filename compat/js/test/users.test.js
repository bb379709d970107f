// Signed-in users as pusher-js sees them: sign-in, messages to a user, watchlists, termination.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { AuthServer, serverSdk } from "../support/auth-server.js"
import { client, complaint, connected, event, refusal, subscribe, subscribed, transports, unique } from "../support/client.js"
import { apps, revokedToken, secondToken } from "../support/host.js"
import { Inbox } from "../support/inbox.js"

const auth = AuthServer.forThisFile()
const plainAuth = AuthServer.forThisFile(apps.plain)
const secondAuth = AuthServer.forThisFile(secondToken)
const revokedAuth = AuthServer.forThisFile(revokedToken)
const sdk = serverSdk()

/** Signs in and waits until the client also hears its own server-to-user channel. */
async function signedIn(pusher) {
  pusher.user.inbox = new Inbox()
  pusher.user.bind_global((name, data) => pusher.user.inbox.push([name, data]))
  pusher.watched = new Inbox()
  pusher.user.watchlist.bind_global((name, data) => pusher.watched.push([name, data]))
  pusher.signin()
  await pusher.messages.next("pusher:signin_success", (one) => one.event === "pusher:signin_success")
  await listening(pusher)
  return pusher
}

const listening = (pusher) =>
  pusher.messages.next(
    "the subscription to the server-to-user channel",
    (one) => one.event === "pusher_internal:subscription_succeeded" && one.channel?.startsWith("#server-to-user-"),
  )

const told = async (pusher, name) => {
  const [, data] = await pusher.user.inbox.next(`${name} for the user`, ([one]) => one === name)
  return data
}

for (const transport of transports) {
  describe(`users over ${transport}`, () => {
    const user = (t, data, more = {}) => client(t, { transport, ...auth.as(data), ...more })

    // contract: 6.1, 6.2, 6.3, 6.6, 6.7
    test("a user signs in and hears what is sent to it, on every connection", async (t) => {
      const data = { id: unique("A_a-0=@,.;"), user_info: { name: "Zoë", nested: [1, null] } }
      const tabs = [await signedIn(user(t, data)), await signedIn(user(t, data))]
      const other = await signedIn(user(t, { id: unique("other-") }))
      assert.deepEqual(tabs[0].user.user_data, data)
      await sdk.sendToUser(data.id, "note", { to: "Zoë" })
      for (const tab of tabs) assert.deepEqual(await told(tab, "note"), { to: "Zoë" })
      await sdk.sendToUser(other.user.user_data.id, "fence", {})
      await told(other, "fence")
      assert.deepEqual(other.user.inbox.unread(), [])
    })

    // contract: 4.14, 6.6
    test("after reconnecting the user is signed in again", async (t) => {
      const data = { id: unique("user-") }
      const pusher = await signedIn(user(t, data))
      pusher.disconnect()
      pusher.connect()
      await listening(pusher)
      await sdk.sendToUser(data.id, "note", 1)
      assert.equal(await told(pusher, "note"), 1)
    })

    // contract: 3.3, 6.4
    test("a forged sign-in is refused and the connection stays good", async (t) => {
      const pusher = client(t, { transport, ...auth.as({ id: "ann" }, { forge: 1 }) })
      pusher.signin()
      assert.equal((await complaint(pusher)).code, null)
      await subscribed(pusher, unique("public-"))
      assert.equal(pusher.messages.unread((one) => one.event === "pusher:signin_success").length, 0)
    })

    // contract: 11.1, 11.2, 11.3, 11.4, B6.6
    test("terminating a user closes all its connections with 4009, and only those", async (t) => {
      const id = unique("gone-")
      const presence = unique("presence-")
      const tabs = [await signedIn(user(t, { id })), await signedIn(user(t, { id }))]
      const member = client(t, { transport, ...auth.as({ user_id: id }) })
      const channel = await subscribed(member, presence)
      const other = await signedIn(user(t, { id: unique("stays-") }))
      assert.deepEqual(await (await sdk.terminateUserConnections(id)).json(), {})
      for (const tab of tabs) {
        assert.equal((await refusal(tab)).code, 4009)
        await tab.states.next("the state `disconnected`", (state) => state === "disconnected")
      }
      await sdk.trigger(presence, "fence", {})
      await event(channel, "fence")
      assert.equal(other.connection.state, "connected")
      tabs[0].connect()
      await listening(tabs[0])
    })

    // contract: 5.10
    test("a signed-in user joins presence channels as itself", async (t) => {
      const name = unique("presence-")
      const data = { id: unique("user-"), user_info: { name: "Zoë" } }
      const signer = user(t, data, {
        channelAuthorization: {
          customHandler: ({ socketId, channelName }, done) => done(null, sdk.authorizeChannel(socketId, channelName)),
        },
      })
      await signedIn(signer)
      const channel = await subscribed(signer, name)
      assert.deepEqual(channel.members.me, { id: data.id, info: data.user_info })
      const other = await subscribed(client(t, { transport, ...auth.as({ user_id: "other" }) }), name)
      assert.deepEqual(other.members.get(data.id), { id: data.id, info: data.user_info })
    })

    // contract: 6.9, 6.10, 6.11
    test("a watchlist tells who is online, and then first arrivals and last departures", async (t) => {
      const [ann, bob, carol] = [unique("ann-"), unique("bob-"), unique("carol-")]
      await signedIn(user(t, { id: ann }))
      const watcher = await signedIn(user(t, { id: unique("watcher-"), watchlist: [ann, bob, carol] }))
      const heard = async (name) => (await watcher.watched.next(name, ([one]) => one === name))[1].user_ids
      assert.deepEqual(await heard("online"), [ann])
      assert.deepEqual((await heard("offline")).sort(), [bob, carol].sort())

      const tabs = [await signedIn(user(t, { id: bob })), await signedIn(user(t, { id: bob }))]
      assert.deepEqual(await heard("online"), [bob])
      // A presence member is not online; the next thing heard must be the departure of both tabs.
      await subscribed(client(t, { transport, ...auth.as({ user_id: carol }) }), unique("presence-"))
      for (const tab of tabs) tab.disconnect()
      assert.deepEqual(await heard("offline"), [bob])
      assert.deepEqual(watcher.watched.unread(), [])
      assert.deepEqual(tabs[0].watched.unread(), [])
    })
  })
}

// contract: 4.5, 15.1, 15.3
test("any active token signs users in, a revoked one does not", async (t) => {
  await signedIn(client(t, secondAuth.as({ id: unique("user-") })))
  const refused = client(t, revokedAuth.as({ id: unique("user-") }))
  refused.signin()
  assert.equal((await complaint(refused)).code, null)
})

// contract: 6.5
test("signing in again as the same user is fine, as another is not", async (t) => {
  const id = unique("user-")
  const pusher = await signedIn(client(t, auth.as({ id })))
  const signIn = (as) => pusher.send_event("pusher:signin", sdk.authenticateUser(pusher.connection.socket_id, { id: as }))
  signIn(id)
  await pusher.messages.next("pusher:signin_success", (one) => one.event === "pusher:signin_success")
  signIn(unique("another-"))
  assert.equal((await complaint(pusher)).code, null)
  await sdk.sendToUser(id, "note", 1)
  assert.equal(await told(pusher, "note"), 1)
})

// contract: 6.2, 6.4
test("a user without a string id cannot sign in", async (t) => {
  const token = { sign: (text) => sdk.config.token.sign(text) }
  const pusher = await connected(client(t))
  for (const user_data of ["{}", '{"id":7}', '{"id":""}', '{"id":"with space"}', "not JSON"]) {
    const signature = token.sign(`${pusher.connection.socket_id}::user::${user_data}`)
    pusher.send_event("pusher:signin", { auth: `${apps.main.key}:${signature}`, user_data })
    assert.equal((await complaint(pusher)).code, null, user_data)
  }
  assert.equal(pusher.messages.unread((one) => one.event === "pusher:signin_success").length, 0)
})

// contract: 6.6
test("another user's channel stays shut", async (t) => {
  const id = unique("user-")
  const pusher = await signedIn(client(t, auth.as({ id })))
  pusher.send_event("pusher:subscribe", { channel: `#server-to-user-${unique("other-")}`, auth: "" })
  assert.equal((await complaint(pusher)).code, null)
  const stranger = await connected(client(t))
  stranger.send_event("pusher:subscribe", { channel: `#server-to-user-${id}`, auth: "" })
  assert.equal((await complaint(stranger)).code, null)
})

// contract: 6.8
test("server-to-user channels do not show among the channels", async (t) => {
  const pusher = await signedIn(client(t, auth.as({ id: unique("user-") })))
  const shown = await subscribed(pusher, unique("shown-"))
  const { channels } = await (await sdk.get({ path: "/channels", params: {} })).json()
  assert.ok(shown.name in channels)
  assert.deepEqual(Object.keys(channels).filter((name) => name.startsWith("#")), [])
})

// contract: 6.13
test("without the toggle users sign in and nobody is watched", async (t) => {
  const [ann, bob] = [unique("ann-"), unique("bob-")]
  const watcher = await signedIn(client(t, { app: apps.plain, ...plainAuth.as({ id: ann, watchlist: [bob] }) }))
  await signedIn(client(t, { app: apps.plain, ...plainAuth.as({ id: bob }) }))
  await serverSdk(apps.plain).sendToUser(ann, "fence", {})
  await told(watcher, "fence")
  assert.deepEqual(watcher.messages.unread((one) => one.event === "pusher_internal:watchlist_events"), [])
})

// contract: 6.12, 6.14
test("of a watchlist with more than 100 names the first 100 are kept", async (t) => {
  const watchlist = Array.from({ length: 101 }, (_, n) => unique(`user-${n}-`))
  const pusher = client(t, auth.as({ id: unique("watcher-"), watchlist }))
  const order = []
  pusher.connection.bind("message", (message) => order.push(message.event))
  await signedIn(pusher)
  assert.equal((await complaint(pusher)).code, 4302)
  const [, { user_ids }] = await pusher.watched.next("offline", ([one]) => one === "offline")
  assert.deepEqual(user_ids.sort(), watchlist.slice(0, 100).sort())
  assert.deepEqual(order.slice(0, 3), ["pusher:signin_success", "pusher:error", "pusher_internal:watchlist_events"])
})

// contract: 5.2, 5.10
test("presence needs a user: neither member data nor a sign-in is refused", async (t) => {
  const pusher = await connected(client(t))
  const channel = unique("presence-")
  pusher.send_event("pusher:subscribe", { channel, ...sdk.authorizeChannel(pusher.connection.socket_id, channel) })
  assert.equal((await complaint(pusher)).code, null)
  const odd = subscribe(client(t, auth.as({ user_id: "ann", user_info: "not an object" })), unique("presence-"))
  await event(odd, "pusher:subscription_error")
})
