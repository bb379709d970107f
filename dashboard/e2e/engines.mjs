// What several servers need to be one: PostgreSQL and Redis, in a folder of their own.
import { execFile, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort, until } from "./house.mjs";

// PostgreSQL does not run as root.
const AS = process.getuid() === 0 ? ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] : ["env"];

export class Engines {
  static async start() {
    const engines = new Engines();
    engines.folder = await mkdtemp(join(tmpdir(), "bellwire-e2e-"));
    await chmod(engines.folder, 0o755);
    const [database, bus] = [await freePort(), await freePort()];
    await engines.postgres(database);
    engines.run("redis-server", ["--port", String(bus), "--bind", "127.0.0.1", "--save", ""]);
    await until(() => answers(bus), "Redis");
    engines.database = `postgres://e2e@127.0.0.1:${database}/postgres`;
    engines.bus = `redis://127.0.0.1:${bus}`;
    return engines;
  }

  async postgres(port) {
    const versions = (await readdir("/usr/lib/postgresql")).sort((a, b) => a - b);
    const bin = `/usr/lib/postgresql/${versions.at(-1)}/bin`;
    const home = join(this.folder, "postgres");
    await mkdir(home);
    await chmod(home, 0o777);
    const [command, ...as] = AS;
    await promisify(execFile)(command, [...as, `${bin}/initdb`, "-D", `${home}/data`, "-A", "trust", "-U", "e2e"], { cwd: "/" });
    this.run(command, [...as, `${bin}/postgres`, "-D", `${home}/data`, "-h", "127.0.0.1", "-p", String(port), "-k", home]);
    await until(() => answers(port), "PostgreSQL");
  }

  running = [];

  run(command, args) {
    const server = spawn(command, args, { cwd: "/", stdio: "ignore" });
    this.running.push(server);
  }

  /** The settings of one of the servers. */
  settings(name) {
    return `[cluster]\nbus = "${this.bus}"\nnode_name = "${name}"\nnode_lease_ms = 60000`;
  }

  async stop() {
    for (const server of this.running) server.kill("SIGKILL");
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Whether anybody listens at a port. */
function answers(port) {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    const end = (is) => {
      socket.destroy();
      done(is);
    };
    socket.once("connect", () => end(true)).once("error", () => end(false));
  });
}
