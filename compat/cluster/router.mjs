// Stands before two nodes of a cluster: what publishers ask (`/apps/…`) goes to one, what subscribers
// do to the other. Which it is shows in the first line of a connection; the rest passes untouched.
//
//   router.mjs PORT SUBSCRIBERS PUBLISHERS [CERT KEY]     with a certificate: TLS on both sides
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";

const [port, subscribers, publishers, cert, key] = process.argv.slice(2);
const tls = cert && { cert: readFileSync(cert), key: readFileSync(key) };

function route(client) {
  let begun = Buffer.alloc(0);
  client.on("error", () => client.destroy());
  client.on("data", function look(bytes) {
    begun = Buffer.concat([begun, bytes]);
    const end = begun.indexOf("\r\n");
    if (end < 0) return;
    client.off("data", look);
    client.pause();
    const path = begun.subarray(0, end).toString("latin1").split(" ")[1] ?? "";
    const to = Number(/^(\/realtime)?\/apps\//.test(path) ? publishers : subscribers);
    const node = tls
      ? connectTls({ host: "127.0.0.1", port: to, rejectUnauthorized: false })
      : connect({ host: "127.0.0.1", port: to });
    node.on("error", () => client.destroy());
    node.on("close", () => client.end());
    client.on("close", () => node.end());
    node.write(begun);
    client.pipe(node);
    node.pipe(client);
  });
}

(tls ? createTlsServer(tls, route) : createServer(route)).listen(Number(port), "127.0.0.1");
