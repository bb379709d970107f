/** What arrived and was not yet asked for; every item is handed out once, oldest first. */
export class Inbox {
  #items = []
  #waiting = []

  push(item) {
    const at = this.#waiting.findIndex(({ matches }) => matches(item))
    if (at < 0) this.#items.push(item)
    else this.#waiting.splice(at, 1)[0].resolve(item)
  }

  /** The oldest item that matches, waiting for it if it is not here yet. */
  next(what, matches = () => true, timeout_ms = 60_000) {
    const at = this.#items.findIndex(matches)
    if (at >= 0) return Promise.resolve(this.#items.splice(at, 1)[0])
    return new Promise((resolve, reject) => {
      const waiter = {
        matches,
        resolve: (item) => {
          clearTimeout(timer)
          resolve(item)
        },
      }
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        reject(new Error(`${what} never came; what came instead: ${JSON.stringify(this.#items)}`))
      }, timeout_ms)
      this.#waiting.push(waiter)
    })
  }

  /** What is here now and was not asked for; stays here. */
  unread(matches = () => true) {
    return this.#items.filter(matches)
  }
}
