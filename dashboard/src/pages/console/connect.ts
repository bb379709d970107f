import type { Place } from "../../api/base";

export type Connected = { ok: true; socketId: string; ms: number } | { ok: false; why: string };

const WAIT_MS = 8000;

export function socketUrl({ host, port, tls, path }: Place, key: string): string {
  return `${tls ? "wss" : "ws"}://${host}:${port}${path}/app/${encodeURIComponent(key)}?protocol=7&client=dashboard&version=1`;
}

/** Connects as pusher-js would, from this browser, and says how that went. */
export function connect(url: string, now: () => number = performance.now.bind(performance)): Promise<Connected> {
  const began = now();
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    const finish = (result: Connected) => {
      clearTimeout(timer);
      resolve(result);
      socket.close();
    };
    const timer = setTimeout(() => finish({ ok: false, why: "No answer within 8 seconds: something on the way holds WebSockets up." }), WAIT_MS);
    socket.addEventListener("message", (event) => finish(answerOf(String(event.data), now() - began)));
    socket.addEventListener("close", (event) => finish({ ok: false, why: closed(event.code, event.reason) }));
  });
}

export function answerOf(frame: string, ms: number): Connected {
  const message = JSON.parse(frame) as { event: string; data: unknown };
  const data = (typeof message.data === "string" ? JSON.parse(message.data) : message.data) as Record<string, unknown> | null;
  if (message.event === "pusher:connection_established") return { ok: true, socketId: String(data?.socket_id), ms: Math.round(ms) };
  return { ok: false, why: `The server refused: ${String(data?.message ?? message.event)} (${String(data?.code ?? "no code")}).` };
}

function closed(code: number, reason: string): string {
  if (code === 1006) return "The WebSocket did not open: a proxy or firewall in between may not pass it on, or the server is not reached.";
  return `The server closed with ${code}${reason ? `: ${reason}` : ""}.`;
}
