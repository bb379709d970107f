import { everywhere } from "./client.js"
import http from "node:http"
import { after, before } from "node:test"
import ServerSdk from "pusher"
import { apps, host, port } from "./host.js"

/** The key that encrypted channels of all suites are derived from. */
export const masterKey = Buffer.alloc(32, 7).toString("base64")

/** The official Node server SDK, for one app of the server under test. */
export const serverSdk = (app = apps.main, more = {}) =>
  new ServerSdk({
    appId: app.id,
    key: app.key,
    secret: app.secret,
    host,
    port,
    useTLS: false,
    encryptionMasterKeyBase64: masterKey,
    ...more,
  })

/** Reads a channel's state through the SDK. */
export const reader = (sdk) => async (channel, info) => {
  await everywhere()
  const answer = await sdk.get({ path: `/channels/${channel}`, params: info === undefined ? {} : { info } })
  return answer.json()
}

/**
 * The endpoint a customer would run: answers pusher-js's form posts with the server SDK, over real
 * HTTP and from another origin. Extra form parameters say who asks:
 *
 * - `member`: JSON of the presence data, or of the user to sign in as
 * - `forge`: sign with a wrong secret
 * - `deny`: answer 403
 */
export class AuthServer {
  requests = 0

  constructor(app = apps.main) {
    this.app = app
  }

  /** Starts before the file's tests and stops after them. */
  static forThisFile(app) {
    const server = new AuthServer(app)
    before(() => server.start())
    after(() => server.stop())
    return server
  }

  start() {
    this.http = http.createServer((request, response) => this.#answer(request, response))
    return new Promise((done) => this.http.listen(0, "127.0.0.1", done))
  }

  stop() {
    this.http.closeAllConnections()
    return new Promise((done) => this.http.close(done))
  }

  url(path) {
    return `http://127.0.0.1:${this.http.address().port}${path}`
  }

  /** pusher-js options for a client that authorises as this member here. */
  as(member, flags = {}) {
    const params = { ...flags, ...(member === undefined ? {} : { member: JSON.stringify(member) }) }
    return {
      channelAuthorization: { transport: "ajax", endpoint: this.url("/channel-auth"), params },
      userAuthentication: { transport: "ajax", endpoint: this.url("/user-auth"), params },
    }
  }

  #answer(request, response) {
    response.setHeader("Access-Control-Allow-Origin", "*")
    response.setHeader("Access-Control-Allow-Headers", "*")
    if (request.method === "OPTIONS") return response.end()
    let body = ""
    request.setEncoding("utf8")
    request.on("data", (chunk) => (body += chunk))
    request.on("end", () => {
      this.requests += 1
      const form = new URLSearchParams(body)
      if (form.has("deny")) {
        response.statusCode = 403
        return response.end("no")
      }
      response.setHeader("Content-Type", "application/json")
      response.end(JSON.stringify(this.#sign(new URL(request.url, "http://host").pathname, form)))
    })
  }

  #sign(path, form) {
    const app = form.has("forge") ? { ...this.app, secret: `not ${this.app.secret}` } : this.app
    const sdk = serverSdk(app)
    const member = form.has("member") ? JSON.parse(form.get("member")) : undefined
    const socketId = form.get("socket_id")
    if (path.endsWith("user-auth")) return sdk.authenticateUser(socketId, member)
    const channel = form.get("channel_name")
    const presence = channel.startsWith("presence-")
    return sdk.authorizeChannel(socketId, channel, presence ? member : undefined)
  }
}
