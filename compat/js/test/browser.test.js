// The web builds of pusher-js in a real browser, on a page of another origin: CORS and buffering count.
import assert from "node:assert/strict"
import net from "node:net"
import { describe, test } from "node:test"
import { AuthServer, serverSdk } from "../support/auth-server.js"
import { Browser } from "../support/browser.js"
import { options, transports, unique } from "../support/client.js"
import { apps, pathPrefix, tlsPort } from "../support/host.js"

const auth = AuthServer.forThisFile()
const browser = Browser.forThisFile()
const sdk = serverSdk()

/** Calls one of page.js's functions inside the page. */
const call = (page, name, ...args) => page.evaluate(([name, args]) => window.compat[name](...args), [name, args])

for (const transport of transports) {
  describe(`a browser over ${transport}`, () => {
    const open = async (page, name, member, more = {}, app = apps.main) => {
      await call(page, "open", name, app.key, { ...options({ transport }), ...auth.as(member), ...more })
      return call(page, "connected", name)
    }

    // contract: 1.1, 1.12, 3.7, 4.6, B1.1, B2.1, B2.2, B4.1, B5.1
    test("connects from another origin and hears public events", async (t) => {
      const page = await browser.page(t)
      const { socket, transport: used } = await open(page, "one")
      assert.match(socket, /^\d+\.\d+$/)
      assert.equal(used, transport)
      const channel = unique("public-")
      assert.ok((await call(page, "subscribe", "one", channel)).ok)
      for (let n = 0; n < 5; n += 1) {
        await sdk.trigger(channel, `n${n}`, { text: "Zoë 🔔", n })
        assert.deepEqual(await call(page, "event", "one", channel, `n${n}`), { text: "Zoë 🔔", n })
      }
      assert.deepEqual(page.failures, [])
    })

    // contract: 1.1
    test("hears long events, which are compressed over WebSocket", async (t) => {
      const page = await browser.page(t)
      await open(page, "one")
      const channel = unique("public-")
      assert.ok((await call(page, "subscribe", "one", channel)).ok)
      for (let n = 0; n < 20; n += 1) {
        const data = { n, text: "Zoë 🔔 said it again. ".repeat(n * 18) }
        await sdk.trigger(channel, `n${n}`, data)
        assert.deepEqual(await call(page, "event", "one", channel, `n${n}`), data)
      }
      const words = "what a client says ".repeat(300)
      const priv = unique("private-")
      assert.ok((await call(page, "subscribe", "one", priv)).ok)
      await open(page, "two")
      assert.ok((await call(page, "subscribe", "two", priv)).ok)
      await page.evaluate(([name, words]) => window.compat.clients.one.channel(name).trigger("client-said", words), [priv, words])
      assert.equal(await call(page, "event", "two", priv, "client-said"), words)
      assert.deepEqual(page.failures, [])
    })

    // contract: 4.4, 5.4, 5.7, 7.1, 7.4, 17.1, B6.6
    test("private and presence channels, client events and exclusion", async (t) => {
      const page = await browser.page(t)
      const name = unique("presence-")
      const { socket } = await open(page, "ann", { user_id: "ann", user_info: { name: "Zoë" } })
      assert.deepEqual((await call(page, "subscribe", "ann", name)).me, { id: "ann", info: { name: "Zoë" } })
      await open(page, "bob", { user_id: "bob" })
      assert.deepEqual((await call(page, "subscribe", "bob", name)).members, { ann: { name: "Zoë" }, bob: null })
      assert.equal((await call(page, "event", "ann", name, "pusher:member_added")).id, "bob")

      await page.evaluate((name) => window.compat.clients.ann.channel(name).trigger("client-said", { n: 1 }), name)
      assert.deepEqual(await call(page, "event", "bob", name, "client-said"), { n: 1 })
      await sdk.trigger(name, "others", { n: 2 }, { socket_id: socket })
      await sdk.trigger(name, "fence", { n: 3 })
      assert.deepEqual(await call(page, "event", "bob", name, "others"), { n: 2 })
      await call(page, "event", "ann", name, "fence")
      assert.deepEqual(await call(page, "unread", "ann", name), [])

      assert.ok((await call(page, "subscribe", "ann", unique("private-"))).ok)
      await page.evaluate(() => window.compat.clients.bob.disconnect())
      assert.equal((await call(page, "event", "ann", name, "pusher:member_removed")).id, "bob")
      assert.deepEqual(page.failures, [])
    })

    // contract: 4.8, 4.9
    test("a forged signature is refused and the connection stays good", async (t) => {
      const page = await browser.page(t)
      await call(page, "open", "one", apps.main.key, { ...options({ transport }), ...auth.as(undefined, { forge: 1 }) })
      const { ok, error } = await call(page, "subscribe", "one", unique("private-"))
      assert.equal(ok, false)
      assert.equal(error.status, 401)
      assert.ok((await call(page, "subscribe", "one", unique("public-"))).ok)
    })

    // contract: 8.2, 8.8, 9.1, 9.2
    test("cache and encrypted channels, with the encryption build", async (t) => {
      const page = await browser.page(t, "/pusher-with-encryption.js")
      await open(page, "one")
      const full = unique("private-encrypted-cache-")
      await sdk.trigger(full, "sealed", { secret: "Zoë" })
      assert.ok((await call(page, "subscribe", "one", full)).ok)
      assert.deepEqual(await call(page, "event", "one", full, "sealed"), { secret: "Zoë" })
      const empty = unique("cache-")
      assert.ok((await call(page, "subscribe", "one", empty)).ok)
      await call(page, "event", "one", empty, "pusher:cache_miss")
    })

    // contract: 6.3, 6.6, 6.7, 6.9, 6.10, 11.3, 11.4
    test("sign-in, messages to a user, a watchlist and termination", async (t) => {
      const page = await browser.page(t)
      const [ann, bob] = [unique("ann-"), unique("bob-")]
      await open(page, "ann", { id: ann, watchlist: [bob] })
      assert.deepEqual(await call(page, "signin", "ann"), { id: ann, watchlist: [bob] })
      assert.deepEqual((await call(page, "told", "ann", "offline")).user_ids, [bob])
      await open(page, "bob", { id: bob })
      await call(page, "signin", "bob")
      assert.deepEqual((await call(page, "told", "ann", "online")).user_ids, [bob])
      await sdk.sendToUser(ann, "note", { n: 1 })
      assert.deepEqual(await call(page, "told", "ann", "note"), { n: 1 })
      await sdk.terminateUserConnections(bob)
      assert.equal(await call(page, "refusal", "bob"), 4009)
      await call(page, "state", "bob", "disconnected")
      assert.deepEqual((await call(page, "told", "ann", "offline")).user_ids, [bob])
    })

    // contract: 1.7, 1.8, B2.1, B6.7
    test("an unknown key is refused for good with 4001", async (t) => {
      const page = await browser.page(t)
      await call(page, "open", "one", "nobody", options({ transport }))
      assert.equal(await call(page, "refusal", "one"), 4001)
      await call(page, "state", "one", "disconnected")
    })

    // contract: 1.2
    test("connects under the operator's path prefix", async (t) => {
      const page = await browser.page(t)
      await open(page, "one", undefined, { wsPath: pathPrefix, httpPath: `${pathPrefix}/pusher` })
      assert.ok((await call(page, "subscribe", "one", unique("public-"))).ok)
    })

    // contract: 1.1
    test("connects over TLS", async (t) => {
      const page = await browser.page(t)
      await open(page, "one", undefined, { forceTLS: true, wssPort: tlsPort, httpsPort: tlsPort })
      assert.ok((await call(page, "subscribe", "one", unique("public-"))).ok)
    })

    // contract: 2.6, B4.6, B5.3
    test("stays up through silence", async (t) => {
      const page = await browser.page(t)
      const { socket } = await open(page, "one", undefined, { activityTimeout: 500, pongTimeout: 60_000 })
      const elapsed = await page.evaluate(async () => {
        const started = Date.now()
        await new Promise((done) => {
          let signs = 0
          const alive = () => (signs += 1) === 6 && done()
          const { connection } = window.compat.clients.one.connection
          connection.bind("activity", alive)
          connection.bind("pong", alive)
        })
        return Date.now() - started
      })
      assert.ok(elapsed > 600, `six signs of life in ${elapsed} ms`)
      assert.deepEqual(await call(page, "connected", "one"), { socket, transport })
    })

    // contract: 4.7, B4.3, B6.4
    test("half a megabyte arrives whole, once and in order, on one session", async (t) => {
      const page = await browser.page(t)
      const { socket } = await open(page, "one")
      const channel = unique("long-")
      await call(page, "subscribe", "one", channel)
      const filler = "x".repeat(10_000)
      for (let n = 0; n < 60; n += 1) await sdk.trigger(channel, `n${n}`, filler)
      await sdk.trigger(channel, "end", {})
      await call(page, "event", "one", channel, "end")
      const expected = Array.from({ length: 60 }, (_, n) => `n${n}`)
      assert.deepEqual(await call(page, "unread", "one", channel), expected)
      assert.deepEqual(await call(page, "connected", "one"), { socket, transport })
    })
  })
}

// contract: B9.1
test("with nothing forced, the browser connects over a WebSocket", async (t) => {
  const page = await browser.page(t)
  const { enabledTransports, ...free } = options()
  await call(page, "open", "one", apps.main.key, free)
  assert.equal((await call(page, "connected", "one")).transport, "ws")
})

// contract: B9.1, B4.1
test("where WebSockets are lost on the way, the browser falls back to HTTP by itself", async (t) => {
  const page = await browser.page(t)
  const wall = net.createServer((socket) => socket.destroy())
  await new Promise((done) => wall.listen(0, "127.0.0.1", done))
  t.after(() => wall.close())
  const lost = wall.address().port
  const { enabledTransports, ...free } = options({ wsPort: lost, wssPort: lost })
  await call(page, "open", "one", apps.main.key, free)
  assert.match((await call(page, "connected", "one")).transport, /^xhr_/)
  assert.ok((await call(page, "subscribe", "one", unique("public-"))).ok)
})

// contract: 4.4, 5.12, 7.1
test("laravel-echo in the browser: presence and whispers", async (t) => {
  const page = await browser.page(t)
  const name = unique("room-")
  const seen = await page.evaluate(
    async ({ key, name, members }) => {
      const open = (options) => new window.Echo({ broadcaster: "pusher", key, ...options }).join(name)
      const until = (register) => new Promise((done) => register(done))
      const first = open(members[0])
      const here = await until((done) => first.here(done))
      const joining = until((done) => first.joining(done))
      const second = open(members[1])
      await until((done) => second.subscribed(done))
      const joined = await joining
      const whisper = until((done) => first.listenForWhisper("hello", done))
      second.whisper("hello", { n: 1 })
      return { here, joined, whisper: await whisper }
    },
    {
      key: apps.main.key,
      name,
      members: [1, 2].map((id) => ({ ...options(), ...auth.as({ user_id: id, user_info: { id } }) })),
    },
  )
  assert.deepEqual(seen, { here: [{ id: 1 }], joined: { id: 2 }, whisper: { n: 1 } })
})
