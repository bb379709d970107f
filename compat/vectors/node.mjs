// Signature vectors as the official Node SDK makes them: every request below is one the SDK really
// sent, captured by a local server; nothing is signed here. Prints JSON.
import http from "node:http"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"

const Pusher = createRequire(new URL("../js/package.json", import.meta.url))("pusher")
const cases = JSON.parse(readFileSync(new URL("./cases.json", import.meta.url), "utf8"))
Date.now = () => cases.timestamp * 1000

const vectors = []
const server = http.createServer(capture)
await new Promise((done) => server.listen(0, "127.0.0.1", done))

let app
for (app of cases.apps) {
  const sdk = new Pusher({
    appId: app.id,
    key: app.key,
    secret: app.secret,
    host: "127.0.0.1",
    port: server.address().port,
    useTLS: false,
    encryptionMasterKeyBase64: Buffer.alloc(32, 1).toString("base64"),
  })
  await requests(sdk)
  channels(sdk)
  users(sdk)
  webhooks()
}
server.close()
process.stdout.write(JSON.stringify(vectors, null, 2) + "\n")

async function requests(sdk) {
  for (const { channels, name, data, socket_id } of cases.publishes) {
    await sdk.trigger(channels, name, data, socket_id === undefined ? {} : { socket_id })
  }
  await sdk.trigger("presence-a", "with-info", "x", { info: "user_count,subscription_count" })
  await sdk.trigger("a", "empty-info", "x", { info: "" })
  for (const batch of cases.batches) await sdk.triggerBatch(structuredClone(batch))
  await sdk.sendToUser("A_a-0=@,.;", "hello", { to: "you" })
  for (const query of cases.channel_queries) {
    await sdk.get({ path: "/channels", params: joined(query) })
  }
  await sdk.get({ path: "/channels", params: { filter_by_prefix: "" } })
  for (const { channel, info } of cases.channel_reads) {
    await sdk.get({ path: `/channels/${channel}`, params: joined({ info }) })
  }
  await sdk.get({ path: "/channels/presence-foobar/users" })
  // "a/b" and "100%" are left out here: the SDK signs them as written but sends them unescaped,
  // so that the decoded path of the request is another one.
  for (const id of [...cases.terminate, "foo bar", "Zoë 🔔"]) await sdk.terminateUserConnections(id)
}

function joined(query) {
  return Object.fromEntries(
    Object.entries(query)
      .map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : value])
      .filter(([, value]) => value !== ""),
  )
}

function channels(sdk) {
  for (const socket_id of cases.socket_ids) {
    for (const channel of cases.channels) {
      const { auth } = sdk.authorizeChannel(socket_id, channel)
      vectors.push({ kind: "channel", key: app.key, secret: app.secret, socket_id, channel, signature: hex(auth) })
    }
  }
  for (const channel of cases.presence_channels) {
    for (const data of cases.channel_data) {
      const socket_id = cases.socket_ids[0]
      const { auth, channel_data } = sdk.authorizeChannel(socket_id, channel, data)
      vectors.push({
        kind: "channel", key: app.key, secret: app.secret, socket_id, channel, channel_data, signature: hex(auth),
      })
    }
  }
}

function users(sdk) {
  for (const data of cases.user_data) {
    const socket_id = cases.socket_ids[0]
    const { auth, user_data } = sdk.authenticateUser(socket_id, data)
    vectors.push({ kind: "user", key: app.key, secret: app.secret, socket_id, user_data, signature: hex(auth) })
  }
}

function webhooks() {
  const token = new Pusher.Token(app.key, app.secret)
  for (const body of cases.webhooks) {
    vectors.push({ kind: "webhook", secret: app.secret, body, signature: token.sign(body) })
  }
}

function hex(auth) {
  if (!auth.startsWith(`${app.key}:`)) throw new Error(`unexpected auth: ${auth}`)
  return auth.slice(app.key.length + 1)
}

function capture(request, response) {
  let body = ""
  request.setEncoding("utf8")
  request.on("data", (chunk) => (body += chunk))
  request.on("end", () => {
    const mark = request.url.indexOf("?")
    const query = Object.fromEntries(
      request.url.slice(mark + 1).split("&").map((pair) => {
        const equals = pair.indexOf("=")
        return [decodeURIComponent(pair.slice(0, equals)), decodeURIComponent(pair.slice(equals + 1))]
      }),
    )
    const { auth_signature: signature, ...rest } = query
    vectors.push({
      kind: "request", key: app.key, secret: app.secret, method: request.method,
      path: decodeURIComponent(request.url.slice(0, mark)), query: rest, body, signature,
    })
    response.end("{}")
  })
}
