// laravel-echo with pusher-js underneath, as a Laravel app would use it.
import assert from "node:assert/strict"
import { test } from "node:test"
import Echo from "laravel-echo"
import NodePusher from "pusher-js"
import { AuthServer, serverSdk } from "../support/auth-server.js"
import { options, unique } from "../support/client.js"
import { apps } from "../support/host.js"
import { Inbox } from "../support/inbox.js"

const auth = AuthServer.forThisFile()
const sdk = serverSdk()

/**
 * An Echo that ends with the test, set up as Laravel's documentation does; `member` is who its
 * endpoint says it is.
 */
function open(t, member, flags = {}) {
  const { channelAuthorization, userAuthentication } = auth.as(member, flags)
  const echo = new Echo({
    broadcaster: "pusher",
    Pusher: NodePusher,
    key: apps.main.key,
    ...options(),
    authEndpoint: auth.url("/broadcasting/auth"),
    auth: { params: channelAuthorization.params, headers: {} },
    userAuthentication: { ...userAuthentication, endpoint: auth.url("/broadcasting/user-auth"), headers: {} },
  })
  t.after(() => echo.disconnect())
  return echo
}

/** Collects what a subscription reports through Echo's own listeners. */
function listen(channel) {
  const inbox = new Inbox()
  channel.subscribed(() => inbox.push(["subscribed"]))
  channel.error((error) => inbox.push(["error", error]))
  channel.inbox = inbox
  return channel
}

const next = async (channel, name) => {
  const [, data] = await channel.inbox.next(`${name} on ${channel.name}`, ([one]) => one === name)
  return data
}

// contract: 1.1, 4.6, 12.9
test("Laravel's events arrive on a public channel under their class names", async (t) => {
  const channel = listen(open(t).channel(unique("orders-")))
  await next(channel, "subscribed")
  channel.listen("OrderShipped", (data) => channel.inbox.push(["OrderShipped", data]))
  channel.listen(".renamed", (data) => channel.inbox.push(["renamed", data]))
  channel.listenToAll((name, data) => channel.inbox.push(["all", [name, data]]))
  await sdk.trigger(channel.name, "App\\Events\\OrderShipped", { id: 7 })
  await sdk.trigger(channel.name, "renamed", { id: 8 })
  assert.deepEqual(await next(channel, "OrderShipped"), { id: 7 })
  assert.deepEqual(await next(channel, "renamed"), { id: 8 })
  assert.deepEqual(await next(channel, "all"), ["OrderShipped", { id: 7 }])
})

// contract: 4.4, 7.1, 7.4
test("private channels open through /broadcasting/auth, and whispers reach the others", async (t) => {
  const name = unique("room-")
  const [from, to] = [listen(open(t).private(name)), listen(open(t).private(name))]
  await next(from, "subscribed")
  await next(to, "subscribed")
  from.listenForWhisper("typing", () => from.inbox.push(["whisper"]))
  to.listenForWhisper("typing", (data) => to.inbox.push(["whisper", data]))
  from.whisper("typing", { name: "Zoë" })
  assert.deepEqual(await next(to, "whisper"), { name: "Zoë" })
  from.listen(".fence", () => from.inbox.push(["fence"]))
  await sdk.trigger(`private-${name}`, "fence", {})
  await next(from, "fence")
  assert.deepEqual(from.inbox.unread(), [])
})

// contract: 5.4, 5.5, 5.7, 5.12
test("here, joining and leaving show the members' own info", async (t) => {
  const name = unique("room-")
  const member = (id) => ({ user_id: id, user_info: { id, nested: { list: [id, null] } } })
  const echo = open(t, member(1))
  const first = listen(echo.join(name))
  first.here((members) => first.inbox.push(["here", members]))
  first.joining((info) => first.inbox.push(["joining", info]))
  first.leaving((info) => first.inbox.push(["leaving", info]))
  assert.deepEqual(await next(first, "here"), [member(1).user_info])

  const other = open(t, member(2))
  const second = listen(other.join(name))
  second.here((members) => second.inbox.push(["here", members]))
  assert.deepEqual(await next(second, "here"), [member(1).user_info, member(2).user_info])
  assert.deepEqual(await next(first, "joining"), member(2).user_info)

  other.leave(name)
  assert.deepEqual(await next(first, "leaving"), member(2).user_info)
})

// contract: 9.1, 9.2
test("encrypted private channels", async (t) => {
  const channel = listen(open(t).encryptedPrivate(unique("room-")))
  await next(channel, "subscribed")
  channel.listen(".sealed", (data) => channel.inbox.push(["sealed", data]))
  await sdk.trigger(channel.name, "sealed", { secret: 1 })
  assert.deepEqual(await next(channel, "sealed"), { secret: 1 })
})

// contract: 4.9
test("error() tells that the server refused a forged signature", async (t) => {
  const channel = listen(open(t, undefined, { forge: 1 }).private(unique("room-")))
  const error = await next(channel, "error")
  assert.equal(error.type, "AuthError")
  assert.equal(error.status, 401)
})

// contract: 4.9
test("error() tells that the customer's endpoint said no, which never reaches the server", async (t) => {
  const channel = listen(open(t, undefined, { deny: 1 }).private(unique("room-")))
  assert.equal((await next(channel, "error")).status, 403)
})

// contract: 6.1, 6.3, 6.7
test("a user signs in and hears its notifications", async (t) => {
  const id = unique("user-")
  const echo = open(t, { id })
  const inbox = new Inbox()
  echo.connector.pusher.user.bind("note", (data) => inbox.push(data))
  echo.connector.pusher.connection.bind("message", (one) => inbox.push(one))
  echo.connector.signin()
  await inbox.next("the user's own channel", (one) => one.channel === `#server-to-user-${id}`)
  await sdk.sendToUser(id, "note", { n: 1 })
  await inbox.next("the note", (one) => one.n === 1)
})

// contract: 12.9
test("notifications carry Laravel's own class name", async (t) => {
  const channel = listen(open(t).private(unique("App.User.1-")))
  await next(channel, "subscribed")
  channel.notification((data) => channel.inbox.push(["notification", data]))
  await sdk.trigger(channel.name, "Illuminate\\Notifications\\Events\\BroadcastNotificationCreated", { id: "n" })
  assert.deepEqual(await next(channel, "notification"), { id: "n" })
})

// contract: 17.1
test("toOthers: the socket id that Echo hands out excludes it", async (t) => {
  const name = unique("orders-")
  const echo = open(t)
  const [from, to] = [listen(echo.channel(name)), listen(open(t).channel(name))]
  for (const channel of [from, to]) {
    channel.listen(".moved", () => channel.inbox.push(["moved"]))
    channel.listen(".fence", () => channel.inbox.push(["fence"]))
    await next(channel, "subscribed")
  }
  await sdk.trigger(name, "moved", {}, { socket_id: echo.socketId() })
  await sdk.trigger(name, "fence", {})
  for (const channel of [from, to]) await next(channel, "fence")
  assert.deepEqual(from.inbox.unread(), [])
  assert.deepEqual(to.inbox.unread(), [["moved"]])
})
