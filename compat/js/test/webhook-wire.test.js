// The bytes of a webhook, because SDKs in other languages hang on each of them: PHP's looks headers up
// by the case they came in, Ruby's and Node's want one content type exactly, Go's an integer.
import assert from "node:assert/strict"
import { createHmac } from "node:crypto"
import net from "node:net"
import { after, test } from "node:test"
import { Bellwire } from "../support/bellwire.js"
import { eventually, subscribed, unique } from "../support/client.js"

const app = { id: "2001", key: "hooked-key", secret: "hooked-secret" }
const raw = await rawReceiver()
const bellwire = await Bellwire.forThisFile([
  {
    ...app,
    client_events: true,
    webhooks: [{ url: raw.url("/raw?x=1"), events: ["client_event"], headers: { "x-MINE": "yes" } }],
  },
])

// contract: 16.2, 16.3, 16.4
test("header names and values are those that PHP and Ruby look for, letter by letter", async (t) => {
  const { head, body } = await rawRequest(t)
  const [line, ...headers] = head.split("\r\n")
  assert.equal(line, "POST /raw?x=1 HTTP/1.1")
  const signature = createHmac("sha256", app.secret).update(body).digest("hex")
  for (const header of [
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    `X-Pusher-Key: ${app.key}`,
    `X-Pusher-Signature: ${signature}`,
  ]) {
    const name = header.split(":")[0].toLowerCase()
    assert.deepEqual(headers.filter((one) => one.toLowerCase().startsWith(`${name}:`)), [header])
  }
  for (const header of headers) assert.match(header, /^([A-Z][a-z0-9]*)(-[A-Z][a-z0-9]*)*: /)
})

// contract: 16.1, 16.9
test("the time is an integer of milliseconds, then come the events, in UTF-8", async (t) => {
  const { body, said } = await rawRequest(t)
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body)
  assert.match(text, /^\{"time_ms":[1-9][0-9]{12},"events":\[\{.+\}\]\}$/s)
  assert.equal(JSON.parse(text).events[0].data, said)
})

/** The bytes of one request about something said: its head as text, its body. */
async function rawRequest(t) {
  const channel = await subscribed(bellwire.client(t, app), unique("private-"))
  const said = "Zoë 🔔 \u2028 \\ / \" \u0001"
  channel.trigger("client-said", said)
  const isMine = ({ body }) => body.includes(channel.name)
  await eventually(`a webhook about ${channel.name} comes`, () => raw.requests.some(isMine))
  return { said, ...raw.requests.find(isMine) }
}

/** A socket that keeps what it is sent as it is sent, and answers so that one connection is one request. */
async function rawReceiver() {
  const requests = []
  const server = net.createServer((socket) => {
    let bytes = Buffer.alloc(0)
    socket.on("error", () => {})
    socket.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk])
      const end = bytes.indexOf("\r\n\r\n")
      if (end < 0) return
      const head = bytes.subarray(0, end).toString("latin1")
      const body = bytes.subarray(end + 4)
      if (body.length < Number(/^content-length: (\d+)$/im.exec(head)?.[1])) return
      requests.push({ head, body })
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    })
  })
  await new Promise((done) => server.listen(0, "127.0.0.1", done))
  after(() => new Promise((done) => server.close(done)))
  return { requests, url: (path) => `http://127.0.0.1:${server.address().port}${path}` }
}
