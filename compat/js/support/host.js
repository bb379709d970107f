// Where the server under test is and which apps it has. compat/run sets all of this; set it by hand
// to point the suites at any other Pusher-compatible host.

export function required(name) {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set; compat/run sets it`)
  return value
}

const app = (prefix) => ({
  id: required(`${prefix}_ID`),
  key: required(`${prefix}_KEY`),
  secret: required(`${prefix}_SECRET`),
})

export const host = required("BELLWIRE_HOST")
export const port = Number(required("BELLWIRE_PORT"))
/** The port of a second instance with the same apps that speaks TLS only. */
export const tlsPort = Number(required("BELLWIRE_TLS_PORT"))
/** An operator-chosen prefix that the server also answers under, such as "/realtime". */
export const pathPrefix = required("BELLWIRE_PATH_PREFIX")

export const apps = {
  /** Every toggle on. */
  main: app("APP"),
  /** Every toggle off, as Pusher's defaults are. */
  plain: app("PLAIN_APP"),
  /** authorized_connections on. */
  guarded: app("GUARDED_APP"),
  /** At most two connections. */
  small: app("SMALL_APP"),
  /** At most two members of a presence channel. */
  room: app("ROOM_APP"),
  /** force_tls on. */
  secure: app("SECURE_APP"),
  /** Not enabled. */
  disabled: app("DISABLED_APP"),
}

/** A second, active token of the main app. */
export const secondToken = {
  ...apps.main,
  key: required("SECOND_KEY"),
  secret: required("SECOND_SECRET"),
}

/** A token of the main app that is no longer active. */
export const revokedToken = {
  ...apps.main,
  key: required("REVOKED_KEY"),
  secret: required("REVOKED_SECRET"),
}
