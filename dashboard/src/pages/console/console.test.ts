import { describe, expect, it } from "vitest";
import { answerOf, socketUrl } from "./connect";
import { ALL_TYPES, type LogLine, matches, most, summary } from "./lines";
import { KEPT, Ring } from "./ring";

const line = (id: number | string, more: Partial<LogLine> = {}): LogLine => ({
  id: String(id),
  at: "2026-11-21T09:30:00.000Z",
  type: "api_message",
  node: null,
  socket_id: null,
  channel: "match-12",
  event: "score",
  user_id: null,
  detail: "",
  payload: '{"home":2}',
  truncated: false,
  bytes: 10,
  ...more,
});

const filled = (n: number) => {
  const ring = new Ring();
  for (let i = 0; i < n; i++) ring.take(line(i));
  return ring;
};

describe("the ring", () => {
  it("shows_the_newest_first", () => {
    const ring = filled(3);
    expect(ring.drain(0.1, Infinity)).toBe(true);
    expect(ring.shown.map(({ id }) => id)).toEqual(["2", "1", "0"]);
  });

  it("takes_a_line_once_though_a_reconnect_tells_it_again", () => {
    const ring = filled(2);
    ring.take(line(1));
    ring.drain(0.1, Infinity);
    ring.take(line(0));
    expect(ring.shown.length + ring.waiting.length).toBe(2);
  });

  it("shows_no_faster_than_asked", () => {
    const ring = filled(10);
    for (let i = 0; i < 9; i++) ring.drain(0.1, 1);
    expect(ring.shown.length).toBe(0);
    ring.drain(0.11, 1);
    expect(ring.shown.length).toBe(1);
    expect(ring.waiting.length).toBe(9);
  });

  it("keeps_the_newest_of_too_many_and_counts_what_it_dropped", () => {
    const ring = filled(KEPT + 5);
    expect(ring.dropped).toBe(5);
    ring.drain(0.1, Infinity);
    expect(ring.shown.length).toBe(KEPT);
    expect(ring.shown[0]?.id).toBe(String(KEPT + 4));
  });

  it("is_empty_after_clear_and_goes_on", () => {
    const ring = filled(3);
    ring.drain(0.1, Infinity);
    ring.clear();
    expect(ring.shown).toEqual([]);
    ring.take(line("next"));
    ring.drain(0.1, Infinity);
    expect(ring.shown.map(({ id }) => id)).toEqual(["next"]);
  });

  it("changes_nothing_when_nothing_waits", () => {
    expect(new Ring().drain(0.1, Infinity)).toBe(false);
  });
});

describe("the filters", () => {
  const all = { types: new Set(ALL_TYPES), channel: "", text: "" };

  it("pass_everything_when_nothing_is_asked", () => {
    expect(matches(line(1), all)).toBe(true);
  });

  it("look_for_text_in_all_that_a_line_says_whatever_its_case", () => {
    expect(matches(line(1), { ...all, text: "HOME" })).toBe(true);
    expect(matches(line(1), { ...all, text: "api mess" })).toBe(true);
    expect(matches(line(1), { ...all, text: "away" })).toBe(false);
  });

  it("leave_out_types_and_other_channels", () => {
    expect(matches(line(1), { ...all, types: new Set(["error"]) })).toBe(false);
    expect(matches(line(1), { ...all, channel: "match" })).toBe(true);
    expect(matches(line(1, { channel: null }), { ...all, channel: "match" })).toBe(false);
  });
});

describe("the most frequent", () => {
  it("are_counted_and_ordered_and_nothing_is_not_counted", () => {
    const lines = [line(1), line(2), line(3, { channel: "a" }), line(4, { channel: null })];
    expect(most(lines, "channel", 3)).toEqual([
      ["match-12", 2],
      ["a", 1],
    ]);
    expect(most(lines, "channel", 1)).toHaveLength(1);
  });
});

describe("a line", () => {
  it("is_found_by_its_node", () => {
    const all = { types: new Set(ALL_TYPES), channel: "", text: "" };
    expect(matches(line(1, { node: "node-2" }), { ...all, text: "NODE-2" })).toBe(true);
  });

  it("says_channel_event_and_details", () => {
    expect(summary(line(1, { detail: "from 10.0.0.1" }))).toBe("Channel: match-12, Event: score · from 10.0.0.1");
    expect(summary(line(1, { channel: null, event: null, detail: "x" }))).toBe("x");
  });
});

describe("whether this browser can connect", () => {
  it("asks_the_door_that_pusher_js_asks", () => {
    const url = socketUrl({ host: "ws.example.com", port: 443, tls: true, path: "/bell" }, "a key");
    expect(url).toBe("wss://ws.example.com:443/bell/app/a%20key?protocol=7&client=dashboard&version=1");
  });

  it("reads_the_first_frame", () => {
    const established = '{"event":"pusher:connection_established","data":"{\\"socket_id\\":\\"1.2\\",\\"activity_timeout\\":120}"}';
    expect(answerOf(established, 12.4)).toEqual({ ok: true, socketId: "1.2", ms: 12 });
    const refused = '{"event":"pusher:error","data":{"code":4003,"message":"Application disabled"}}';
    expect(answerOf(refused, 1)).toMatchObject({ ok: false, why: "The server refused: Application disabled (4003)." });
  });
});
