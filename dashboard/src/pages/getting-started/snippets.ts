import type { Place } from "../../api/base";

/** What fills the snippets in; the secret is a placeholder until somebody asks for it. */
export interface Filling {
  appId: string;
  key: string;
  secret: string;
  cluster: string;
  place: Place;
}

export interface Snippet {
  id: string;
  label: string;
  /** Where the code goes, or how the SDK is installed. */
  steps: { note: string; code: string }[];
}

const scheme = ({ tls }: Place) => (tls ? "https" : "http");

/** With TLS on an empty path most options can be left out; this is the complete form. */
function browser(f: Filling): Snippet {
  const { host, port, tls, path } = f.place;
  const options = [
    `cluster: ${JSON.stringify(f.cluster)},`,
    `wsHost: ${JSON.stringify(host)}, wsPort: ${port}, wssPort: ${port},`,
    ...(path ? [`wsPath: ${JSON.stringify(path)},`] : []),
    `forceTLS: ${tls}, enabledTransports: ["ws", "wss"],`,
  ];
  const code = `import Pusher from "pusher-js";

const pusher = new Pusher(${JSON.stringify(f.key)}, {
${options.map((line) => `  ${line}`).join("\n")}
});

pusher.subscribe("my-channel").bind("my-event", (data) => console.log(data));`;
  return { id: "browser", label: "Browser", steps: [{ note: "npm install pusher-js", code }] };
}

function laravel(f: Filling): Snippet {
  const { host, port } = f.place;
  const env = `BROADCAST_CONNECTION=pusher
PUSHER_APP_ID=${f.appId}
PUSHER_APP_KEY=${f.key}
PUSHER_APP_SECRET=${f.secret}
PUSHER_HOST=${host}
PUSHER_PORT=${port}
PUSHER_SCHEME=${scheme(f.place)}
PUSHER_APP_CLUSTER=${f.cluster}

VITE_PUSHER_APP_KEY="\${PUSHER_APP_KEY}"
VITE_PUSHER_HOST="\${PUSHER_HOST}"
VITE_PUSHER_PORT="\${PUSHER_PORT}"
VITE_PUSHER_SCHEME="\${PUSHER_SCHEME}"
VITE_PUSHER_APP_CLUSTER="\${PUSHER_APP_CLUSTER}"`;
  return {
    id: "laravel",
    label: "Laravel",
    steps: [
      { note: ".env (composer require pusher/pusher-php-server)", code: env },
      { note: "resources/js/echo.js (npm install laravel-echo pusher-js)", code: echo(f.place.path) },
    ],
  };
}

const echo = (path: string) => `import Echo from "laravel-echo";
import Pusher from "pusher-js";

window.Pusher = Pusher;
window.Echo = new Echo({
  broadcaster: "pusher",
  key: import.meta.env.VITE_PUSHER_APP_KEY,
  cluster: import.meta.env.VITE_PUSHER_APP_CLUSTER,
  wsHost: import.meta.env.VITE_PUSHER_HOST,
  wsPort: import.meta.env.VITE_PUSHER_PORT,
  wssPort: import.meta.env.VITE_PUSHER_PORT,${path && `\n  wsPath: ${JSON.stringify(path)},`}
  forceTLS: import.meta.env.VITE_PUSHER_SCHEME === "https",
  enabledTransports: ["ws", "wss"],
});

window.Echo.channel("my-channel").listen(".my-event", (data) => console.log(data));`;

function node(f: Filling): Snippet {
  const code = `const Pusher = require("pusher");

const pusher = new Pusher({
  appId: "${f.appId}",
  key: "${f.key}",
  secret: "${f.secret}",
  host: "${f.place.host}",
  port: "${f.place.port}",
  useTLS: ${f.place.tls},
});

pusher.trigger("my-channel", "my-event", { hello: "world" });`;
  return { id: "node", label: "Node", steps: [{ note: "npm install pusher", code }] };
}

function php(f: Filling): Snippet {
  const path = f.place.path ? `\n    'path' => '${f.place.path}',` : "";
  const code = `<?php
require __DIR__ . '/vendor/autoload.php';

$pusher = new Pusher\\Pusher('${f.key}', '${f.secret}', '${f.appId}', [
    'host' => '${f.place.host}',
    'port' => ${f.place.port},
    'scheme' => '${scheme(f.place)}',
    'useTLS' => ${f.place.tls},${path}
]);

$pusher->trigger('my-channel', 'my-event', ['hello' => 'world']);`;
  return { id: "php", label: "PHP", steps: [{ note: "composer require pusher/pusher-php-server", code }] };
}

function python(f: Filling): Snippet {
  const code = `import pusher

client = pusher.Pusher(
    app_id="${f.appId}",
    key="${f.key}",
    secret="${f.secret}",
    host="${f.place.host}",
    port=${f.place.port},
    ssl=${f.place.tls ? "True" : "False"},
)

client.trigger("my-channel", "my-event", {"hello": "world"})`;
  return { id: "python", label: "Python", steps: [{ note: "pip install pusher", code }] };
}

function ruby(f: Filling): Snippet {
  const code = `require "pusher"

pusher = Pusher::Client.new(
  app_id: "${f.appId}",
  key: "${f.key}",
  secret: "${f.secret}",
  host: "${f.place.host}",
  port: ${f.place.port},
  scheme: "${scheme(f.place)}"
)

pusher.trigger("my-channel", "my-event", { hello: "world" })`;
  return { id: "ruby", label: "Ruby", steps: [{ note: "gem install pusher", code }] };
}

function go(f: Filling): Snippet {
  const code = `package main

import "github.com/pusher/pusher-http-go/v5"

func main() {
	client := pusher.Client{
		AppID:  "${f.appId}",
		Key:    "${f.key}",
		Secret: "${f.secret}",
		Host:   "${f.place.host}:${f.place.port}",
		Secure: ${f.place.tls},
	}
	if err := client.Trigger("my-channel", "my-event", map[string]string{"hello": "world"}); err != nil {
		panic(err)
	}
}`;
  return { id: "go", label: "Go", steps: [{ note: "go get github.com/pusher/pusher-http-go/v5", code }] };
}

export const SECRET_PLACEHOLDER = "YOUR_APP_SECRET";

export const snippets = (filling: Filling): Snippet[] =>
  [browser, laravel, node, php, python, ruby, go].map((write) => write(filling));
