import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import http from "node:http"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before } from "node:test"
import { chromium } from "playwright-core"

const require = createRequire(import.meta.url)
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium"

const files = {
  "/pusher.js": require.resolve("pusher-js/dist/web/pusher.min.js"),
  "/pusher-with-encryption.js": require.resolve("pusher-js/dist/web/pusher-with-encryption.min.js"),
  "/echo.js": require.resolve("laravel-echo/iife"),
  "/page.js": new URL("./page.js", import.meta.url),
}

/** A real Chromium, and a web server for its pages on a port of its own: another origin. */
export class Browser {
  /** Starts before the file's tests and stops after them. */
  static forThisFile() {
    const browser = new Browser()
    before(() => browser.#start())
    after(() => browser.#stop())
    return browser
  }

  async #start() {
    if (!existsSync(executablePath)) throw new Error(`there is no browser at ${executablePath}`)
    this.pages = http.createServer((request, response) => {
      const path = new URL(request.url, "http://host").pathname
      if (path in files) {
        response.setHeader("Content-Type", "text/javascript")
        return response.end(readFileSync(files[path]))
      }
      response.setHeader("Content-Type", "text/html")
      response.end(`<!doctype html><title>${path}</title>`)
    })
    await new Promise((done) => this.pages.listen(0, "127.0.0.1", done))
    this.profile = mkdtempSync(join(tmpdir(), "compat-chromium-"))
    this.context = await chromium.launchPersistentContext(this.profile, {
      executablePath,
      headless: true,
      ignoreHTTPSErrors: true,
      timeout: 120_000,
      args: [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
      ],
    })
  }

  async #stop() {
    await this.context?.close()
    this.pages?.close()
    if (this.profile) rmSync(this.profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  }

  /**
   * A fresh page that has the web build of pusher-js (and Echo) and the helpers of page.js. Its
   * failed requests and console errors are kept in `page.failures`.
   */
  async page(t, build = "/pusher.js") {
    const page = await this.context.newPage()
    t.after(() => page.close())
    page.setDefaultTimeout(120_000)
    page.failures = []
    page.on("pageerror", (error) => page.failures.push(String(error)))
    page.on("console", (line) => line.type() === "error" && page.failures.push(line.text()))
    await page.goto(`http://127.0.0.1:${this.pages.address().port}/`)
    await page.evaluate(() => localStorage.clear())
    for (const script of [build, "/echo.js"]) await page.addScriptTag({ url: script })
    await page.addScriptTag({ url: "/page.js", type: "module" })
    await page.waitForFunction(() => "compat" in window)
    return page
  }
}
