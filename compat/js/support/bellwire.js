import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after } from "node:test"
import { promisify } from "node:util"
import { serverSdk } from "./auth-server.js"
import { client, eventually } from "./client.js"
import { required } from "./host.js"

const address = "127.0.0.1"

/** A server of the tests' own, because where webhooks go is in its config. */
export class Bellwire {
  /** Starts at once, with apps as the config file has them, and stops after the file's tests. */
  static async forThisFile(apps, webhooks = {}) {
    const bellwire = new Bellwire()
    await bellwire.#start(apps, webhooks)
    after(() => bellwire.#stop())
    return bellwire
  }

  /** A pusher-js client of an app, authorised as this member. */
  client(t, app, member) {
    const sdk = serverSdk(app)
    const customHandler = ({ socketId, channelName }, done) =>
      done(null, sdk.authorizeChannel(socketId, channelName, channelName.startsWith("presence-") ? member : undefined))
    const here = { wsHost: address, httpHost: address, wsPort: this.port, httpPort: this.port }
    return client(t, { app, ...here, channelAuthorization: { customHandler } })
  }

  /** What a command prints as JSON, told where the server is. */
  async run(...words) {
    const { stdout } = await promisify(execFile)(this.binary, [...words, "--json", "--config", this.config], { env })
    return JSON.parse(stdout)
  }

  async #start(apps, webhooks) {
    this.binary = required("BELLWIRE_BIN")
    this.port = await freePort()
    this.folder = mkdtempSync(join(tmpdir(), "compat-bellwire-"))
    this.config = join(this.folder, "bellwire.toml")
    const server = { listen: `${address}:${this.port}`, data_dir: join(this.folder, "data"), drain_window_s: 1 }
    const config = { server, webhooks: { grace_ms: 300, ...webhooks }, apps }
    writeFileSync(this.config, Object.entries(config).map(([key, value]) => `${key} = ${toml(value)}\n`).join(""))
    const log = openSync(this.#log, "a")
    this.process = spawn(this.binary, ["serve", "--config", this.config], { env, stdio: ["ignore", log, log] })
    await eventually("the server is up", async () => {
      this.#assertAlive()
      return (await fetch(`http://${address}:${this.port}/up`).catch(() => ({}))).ok
    })
  }

  async #stop() {
    this.#assertAlive()
    const ended = once(this.process, "exit")
    this.process.kill("SIGTERM")
    const [code] = await ended
    if (code !== 0) this.#assertAlive()
    rmSync(this.folder, { recursive: true, force: true })
  }

  get #log() {
    return join(this.folder, "log")
  }

  #assertAlive() {
    const { exitCode, signalCode } = this.process
    if (exitCode === null && signalCode === null) return
    throw new Error(`the server ended (${exitCode ?? signalCode}):\n${readFileSync(this.#log, "utf8").slice(-4000)}`)
  }
}

/** Without what the servers of compat/run are told. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(BELLWIRE|PUSHER)_/.test(name)))

/** A value in TOML; tables are inline ones. */
function toml(value) {
  if (Array.isArray(value)) return `[${value.map(toml).join(", ")}]`
  if (typeof value !== "object") return JSON.stringify(value)
  return `{ ${Object.entries(value).map(([key, one]) => `${JSON.stringify(key)} = ${toml(one)}`).join(", ")} }`
}

function freePort() {
  return new Promise((done) => {
    const server = net.createServer().listen(0, address, () => {
      const { port } = server.address()
      server.close(() => done(port))
    })
  })
}
