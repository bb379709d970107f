// A server of one's own, the browser, and what the stories need around them.
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createSocketServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const PATIENCE_MS = 15_000;
const BROWSER = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const PASSWORD = "correct horse battery staple";
export const OPERATOR = { name: "Ann Archer", email: "ann@example.com", password: PASSWORD };

export async function freePort() {
  const server = createSocketServer();
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** A started server in a folder of its own; `setup` is the link that it printed. Further settings come as TOML. */
export class House {
  static async open({ server = "", more = "" } = {}) {
    const house = new House();
    house.folder = await mkdtemp(join(tmpdir(), "bellwire-e2e-"));
    house.port = await freePort();
    house.origin = `http://127.0.0.1:${house.port}`;
    house.base = `${house.origin}/dashboard/`;
    const config = [
      `[server]\nlisten = "127.0.0.1:${house.port}"\n${server}`,
      "[webhooks]\nallow_private_targets = true\ngrace_ms = 200\nretry_window_ms = 2500",
      more,
    ];
    await writeFile(join(house.folder, "bellwire.toml"), `${config.join("\n")}\n`);
    await house.start();
    house.setup = /http:\/\/\S+\/dashboard\/setup#\S+/.exec(house.said)?.[0];
    if (!house.setup) throw new Error(`no setup link in what the server printed:\n${house.said}`);
    return house;
  }

  async start() {
    this.said = "";
    this.server = spawn(process.env.BELLWIRE_BIN, ["serve"], { cwd: this.folder });
    const listen = (bytes) => (this.said += bytes);
    this.server.stdout.on("data", listen);
    this.server.stderr.on("data", listen);
    await until(async () => (await fetch(`${this.base}`)).ok, "the server to answer");
  }

  /** Nothing is done, and nobody is told. */
  pause() {
    this.server.kill("SIGSTOP");
  }

  resume() {
    this.server.kill("SIGCONT");
  }

  async stop() {
    const ended = new Promise((done) => this.server.once("exit", done));
    this.server.kill("SIGKILL");
    await ended;
  }

  /** A browser that nobody used before. `outside` collects what it asks of anybody but this server. */
  async browser(options = {}) {
    const profile = join(this.folder, `profile-${Math.random().toString(36).slice(2)}`);
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: process.env.CHROMIUM,
      headless: true,
      args: BROWSER,
      viewport: { width: 1280, height: 860 },
      ...options,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    this.opened.push(context);
    return context;
  }

  opened = [];
  outside = [];
  broken = [];

  /** A page of which every trouble and every foreign request is noted. */
  async page(context) {
    const page = await context.newPage();
    page.on("request", (request) => {
      const url = request.url();
      const own = url.startsWith(this.origin) || url.startsWith(this.origin.replace("http", "ws"));
      if (!own && !/^(data|blob|about):/.test(url)) this.outside.push(url);
    });
    page.on("pageerror", (error) => this.broken.push(`${page.url()}: ${error.message}`));
    page.on("dialog", (dialog) => {
      this.broken.push(`${page.url()}: a script of somebody else ran: ${dialog.message()}`);
      void dialog.dismiss();
    });
    return page;
  }

  async close() {
    for (const context of this.opened) await context.close();
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The operator, made by the link of the first run. */
export async function setUp(page, house) {
  await page.goto(house.setup);
  await page.getByLabel("Your name").fill(OPERATOR.name);
  await page.getByLabel("E-mail").fill(OPERATOR.email);
  await page.getByLabel("Password", { exact: true }).fill(OPERATOR.password);
  await page.getByRole("button", { name: "Start" }).click();
  await page.getByRole("heading", { name: "Apps", level: 1 }).waitFor();
}

export async function signIn(page, house, { email, password } = OPERATOR) {
  await page.goto(`${house.base}sign-in`);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Apps", level: 1 }).waitFor();
}

/** Creates an app in the dashboard; its id. */
export async function newApp(page, house, name) {
  await page.goto(house.base);
  await page.getByRole("button", { name: "New app" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Create app" }).click();
  await page.getByRole("button", { name: "I have kept it" }).click();
  await page.getByRole("heading", { name: "Getting started" }).waitFor();
  return /apps\/(\d+)\//.exec(page.url())[1];
}

/** An HTTP server that can be down and up again at the same port. */
export class Receiver {
  heard = [];

  static async at(port, answer = () => 200) {
    const receiver = new Receiver();
    receiver.port = port;
    receiver.answer = answer;
    receiver.url = `http://127.0.0.1:${port}/hook`;
    return receiver;
  }

  async up() {
    this.server = createServer((request, response) => {
      let body = "";
      request.on("data", (bytes) => (body += bytes));
      request.on("end", () => {
        this.heard.push({ headers: request.headers, body });
        response.writeHead(this.answer()).end("heard");
      });
    });
    await new Promise((ready) => this.server.listen(this.port, "127.0.0.1", ready));
  }

  async down() {
    this.server?.closeAllConnections();
    await new Promise((done) => (this.server ? this.server.close(done) : done()));
    this.server = undefined;
  }
}

/** Waits for what comes in its own time. */
export async function until(holds, what, patienceMs = PATIENCE_MS) {
  const end = Date.now() + patienceMs;
  for (;;) {
    if (await Promise.resolve(holds()).catch(() => false)) return;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((next) => setTimeout(next, 50));
  }
}
