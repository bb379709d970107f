// A server in which something goes on: apps, webhooks well and unwell, people, messages, refusals.
import { createHmac } from "node:crypto";
import { createRequire } from "node:module";
import { OPERATOR, until } from "./house.mjs";

export const Pusher = createRequire(import.meta.url)("pusher-js");

/** The management API as the dashboard uses it. */
export class Management {
  constructor(house) {
    this.house = house;
  }

  async signIn() {
    const response = await this.send("POST", "session", { email: OPERATOR.email, password: OPERATOR.password });
    this.session = await response.json();
    this.cookie = response.headers.get("set-cookie").split(";")[0];
    return this.session;
  }

  async ask(method, path, body) {
    const response = await this.send(method, path, body);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? undefined : response.json();
  }

  send(method, path, body) {
    const headers = { "content-type": "application/json", origin: this.house.origin };
    if (this.cookie) Object.assign(headers, { cookie: this.cookie, "x-csrf-token": this.session.csrf_token });
    const sent = body === undefined ? undefined : JSON.stringify(body);
    return fetch(`${this.house.origin}/management/v1/${path}`, { method, headers, body: sent });
  }
}

/** What the pages are looked at with; `close` lets go of the people. */
export async function seed(house, receiver) {
  const management = new Management(house);
  const account = (await management.signIn()).accounts[0].id;
  const create = (name) => management.ask("POST", "apps", { account_id: account, name });
  const chat = await create("Chat");
  await create("Live scores");
  await create(`<img src=x onerror="alert('markup ran')">`);
  await management.ask("PATCH", `apps/${chat.id}`, { settings: { client_events: true, subscription_count: true } });
  const hooks = await webhooks(management, chat.id, receiver);
  const people = await arrive(house, chat);
  await talk(management, chat.id, people);
  await refusals(house, chat);
  await management.ask("POST", `accounts/${account}/invitations`, { role: "developer", email: "vic@example.com" });
  await management.ask("POST", `accounts/${account}/tokens`, { name: "Deploy script", scope: "write" });
  const first = await someDelivery(management, chat.id);
  return {
    app: chat.id,
    account,
    hook: hooks[0].id,
    delivery: first,
    socket: people[0].connection.socket_id,
    talk: () => talk(management, chat.id, people),
    close: () => people.forEach((person) => person.disconnect()),
  };
}

async function webhooks(management, app, receiver) {
  const add = (webhook) => management.ask("POST", `apps/${app}/webhooks`, webhook);
  const well = await add({ url: receiver.url, description: "Production receiver", headers: { "X-Env": "prod" } });
  const unwell = await add({
    url: "http://127.0.0.1:9/nobody-listens",
    events: ["member_added", "member_removed"],
    description: `Old one <script>alert("markup ran")</script>`,
  });
  return [well, unwell];
}

/** Clients that sign in and subscribe as customers' do. */
async function arrive(house, { key, secret }) {
  const sign = (text) => `${key}:${createHmac("sha256", secret).update(text).digest("hex")}`;
  const people = [];
  for (const name of ["ann", "ben", "eve"]) {
    // Who signs in has a plain id; a member of a presence channel may be called anything.
    const id = name === "eve" ? `<b onmouseover="alert('markup ran')">eve</b>` : name;
    const pusher = new Pusher(key, {
      cluster: "self",
      wsHost: "127.0.0.1",
      wsPort: house.port,
      forceTLS: false,
      enabledTransports: ["ws"],
      channelAuthorization: {
        customHandler: ({ socketId, channelName }, done) => {
          const channel_data = JSON.stringify({ user_id: id, user_info: { name: `<i>${id}</i>` } });
          const presence = channelName.startsWith("presence-");
          const text = [socketId, channelName, ...(presence ? [channel_data] : [])].join(":");
          done(null, presence ? { auth: sign(text), channel_data } : { auth: sign(text) });
        },
      },
      userAuthentication: {
        customHandler: ({ socketId }, done) => {
          const user_data = JSON.stringify({ id: name });
          done(null, { auth: sign(`${socketId}::user::${user_data}`), user_data });
        },
      },
    });
    pusher.signin();
    for (const channel of ["match-12", "private-room-7", "presence-lobby", "cache-board"]) pusher.subscribe(channel);
    people.push(pusher);
  }
  const there = (person) => person.channels.channels["presence-lobby"]?.subscribed && person.user.user_data;
  await until(() => people.every(there), "the people to arrive");
  return people;
}

async function talk(management, app, people) {
  const say = (channel, name, data) =>
    management.ask("POST", `apps/${app}/events`, { channel, name, data: JSON.stringify(data) });
  for (let i = 0; i < 30; i++) await say("match-12", "score", { home: i, away: 1 });
  await say("cache-board", "position", { text: `<script>alert("markup ran")</script>` });
  people[0].channel("private-room-7").trigger("client-typing", { who: "ann" });
}

/** A wrong signature and an unknown way of asking: the error log has something to say. */
async function refusals(house, { id, key }) {
  const query = `auth_key=${key}&auth_timestamp=${Math.floor(Date.now() / 1000)}&auth_version=1.0&auth_signature=0`;
  for (let i = 0; i < 3; i++) {
    await fetch(`${house.origin}/apps/${id}/events?${query}`, { method: "POST", body: "{}" });
  }
}

async function someDelivery(management, app) {
  let first;
  await until(async () => {
    const { deliveries } = await management.ask("GET", `apps/${app}/deliveries?status=delivered`);
    first = deliveries[0]?.id;
    return first !== undefined;
  }, "a delivery");
  return first;
}
