// Runs inside the page: what client.js is to the Node build.
class Inbox {
  items = []
  push(item) {
    this.items.push(item)
  }
  async next(what, matches = () => true) {
    const deadline = Date.now() + 60_000
    for (;;) {
      const at = this.items.findIndex(matches)
      if (at >= 0) return this.items.splice(at, 1)[0]
      if (Date.now() > deadline) throw new Error(`${what} never came; what came instead: ${JSON.stringify(this.items)}`)
      await new Promise((done) => setTimeout(done, 20))
    }
  }
}

window.Echo = window.Echo.default
window.compat = {
  /** Clients by a name that the test gives them, so that a test can talk about them later. */
  clients: {},

  open(name, key, options) {
    const pusher = new window.Pusher(key, options)
    pusher.messages = new Inbox()
    pusher.errors = new Inbox()
    pusher.states = new Inbox()
    pusher.connection.bind("message", (message) => pusher.messages.push(message))
    pusher.connection.bind("error", (error) => pusher.errors.push(error))
    pusher.connection.bind("state_change", ({ current }) => pusher.states.push(current))
    this.clients[name] = pusher
  },

  async connected(name) {
    const pusher = this.clients[name]
    if (pusher.connection.state !== "connected") {
      await pusher.states.next("the state `connected`", (state) => state === "connected")
    }
    return { socket: pusher.connection.socket_id, transport: pusher.connection.connection.transport.name }
  },

  async state(name, wanted) {
    const pusher = this.clients[name]
    if (pusher.connection.state !== wanted) {
      await pusher.states.next(`the state ${wanted}`, (state) => state === wanted)
    }
  },

  async refusal(name) {
    const code = (error) => (error.error ?? error)?.data?.code
    return code(await this.clients[name].errors.next("a refusal", (error) => code(error) != null))
  },

  async subscribe(name, channelName) {
    const channel = this.clients[name].subscribe(channelName)
    channel.inbox ??= new Inbox()
    channel.bind_global((event, data) => channel.inbox.push([event, data]))
    const [event, data] = await channel.inbox.next(
      `the outcome of subscribing to ${channelName}`,
      ([one]) => one === "pusher:subscription_succeeded" || one === "pusher:subscription_error",
    )
    return event === "pusher:subscription_succeeded"
      ? { ok: true, members: data?.members, me: data?.me }
      : { ok: false, error: data }
  },

  async event(name, channelName, event) {
    const { inbox } = this.clients[name].channel(channelName)
    const [, data] = await inbox.next(`${event} on ${channelName}`, ([one]) => one === event)
    return data ?? null
  },

  unread(name, channelName) {
    const { inbox } = this.clients[name].channel(channelName)
    return inbox.items.map(([event]) => event).filter((event) => !event.startsWith("pusher:"))
  },

  async signin(name) {
    const pusher = this.clients[name]
    pusher.user.inbox = new Inbox()
    pusher.user.bind_global((event, data) => pusher.user.inbox.push([event, data]))
    pusher.user.watchlist.bind_global((event, data) => pusher.user.inbox.push([event, data]))
    pusher.signin()
    await pusher.messages.next(
      "the user's own channel",
      (one) => one.event === "pusher_internal:subscription_succeeded" && one.channel?.startsWith("#server-to-user-"),
    )
    return pusher.user.user_data
  },

  async told(name, event) {
    const [, data] = await this.clients[name].user.inbox.next(`${event} for the user`, ([one]) => one === event)
    return data
  },
}
