import http from "node:http"
import https from "node:https"
import { after } from "node:test"
import { Inbox } from "./inbox.js"

/**
 * The server a customer would run to receive webhooks, with a hook for each path. With a certificate
 * and key it speaks TLS.
 */
export class Receiver {
  #hooks = new Map()

  /** Starts at once, because the config of a server names it, and stops after the file's tests. */
  static async forThisFile(tls) {
    const receiver = new Receiver()
    await receiver.#start(tls)
    after(() => receiver.#stop())
    return receiver
  }

  /** Where an endpoint finds a hook. */
  url(path) {
    return `${this.scheme}://127.0.0.1:${this.server.address().port}${path}`
  }

  hook(path) {
    if (!this.#hooks.has(path)) this.#hooks.set(path, new Hook())
    return this.#hooks.get(path)
  }

  #start(tls) {
    const take = (request, response) => this.#take(request, response)
    this.scheme = tls ? "https" : "http"
    this.server = tls ? https.createServer(tls, take) : http.createServer(take)
    return new Promise((done) => this.server.listen(0, "127.0.0.1", done))
  }

  #stop() {
    this.server.closeAllConnections()
    return new Promise((done) => this.server.close(done))
  }

  #take(request, response) {
    const chunks = []
    request.on("data", (chunk) => chunks.push(chunk))
    request.on("end", async () => {
      const { method, headers } = request
      const rawBody = Buffer.concat(chunks).toString("utf8")
      const delivery = { method, headers, rawBody, at_ms: Date.now() }
      const { status = 200, more = {} } = await this.hook(request.url).take(delivery)
      response.writeHead(status, more).end()
    })
  }
}

/** Everything that was posted to one path. */
export class Hook {
  /** Every request as it came, with those that were not accepted and those that came again. */
  deliveries = []
  /** Every event of what was accepted, once, as `{ event, delivery }`. */
  accepted = []
  /** What to answer: `{ status, more }` with more headers, or a promise of it. */
  answer = () => ({})
  #events = new Inbox()
  #known = new Set()

  async take(delivery) {
    this.deliveries.push(delivery)
    const answer = await this.answer(delivery)
    if ((answer.status ?? 200) === 200) this.#accept(delivery)
    return answer
  }

  /** Keeps everybody waiting for an answer until the function that it hands back is called. */
  hold() {
    let release
    const held = new Promise((done) => (release = () => done({})))
    this.answer = () => held
    return release
  }

  /** The oldest event of that name on that channel that was not asked for yet, with its delivery. */
  next(name, channel, matches = () => true) {
    return this.#events.next(
      `a webhook of ${name} on ${channel}`,
      (one) => one.event.name === name && one.event.channel === channel && matches(one),
    )
  }

  /** The names of a channel's accepted events, in order. */
  names(channel) {
    return this.accepted.map(({ event }) => event).filter((event) => event.channel === channel).map(({ name }) => name)
  }

  #accept(delivery) {
    // Delivery is at least once: what comes again under the same id is no news, unless it is replayed.
    const id = `${delivery.headers["webhook-id"]} ${delivery.headers["x-bellwire-replay"] ?? ""}`
    if (this.#known.has(id)) return
    this.#known.add(id)
    for (const event of JSON.parse(delivery.rawBody).events) {
      const one = { event, delivery, toJSON: () => event }
      this.accepted.push(one)
      this.#events.push(one)
    }
  }
}
