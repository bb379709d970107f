import assert from "node:assert/strict"
import { serverSdk } from "./auth-server.js"

/** A delivery as the Node server SDK sees it with this token. */
export const webhookOf = ({ headers, rawBody }, token) => serverSdk(token).webhook({ headers, rawBody })

/** The events of a delivery, which the SDK must take for genuine. */
export function genuine(delivery, token) {
  const webhook = webhookOf(delivery, token)
  assert.equal(webhook.isValid(), true, JSON.stringify(delivery))
  assert.deepEqual(webhook.getData(), JSON.parse(delivery.rawBody))
  return webhook.getEvents()
}
