import { expect, it } from "vitest";
import type { Point } from "../../api/stats";
import { rows, successOf, total } from "./series";

const POINT: Point = {
  at: "2026-11-21T09:30:00.000Z",
  messages: { api: 1, client_in: 2, broadcast: 3, client_out: 4, presence: 5, webhook: 6 },
  connections: { now: 7, peak: 8 },
  message_bytes: { average: 9, max: 10, p50: 11, p95: 12 },
  api: { requests: 13, errors: 3, p50_ms: 0.4, p95_ms: 2 },
  webhooks: { accepted: 0, failed: 0 },
};

it("adds_all_kinds_of_messages_up", () => {
  expect(total(POINT)).toBe(21);
});

it("knows_no_success_where_nothing_was_sent", () => {
  expect(successOf(POINT)).toBeNull();
  expect(successOf({ ...POINT, webhooks: { accepted: 3, failed: 1 } })).toBe(0.75);
});

it("draws_no_latency_where_nothing_was_asked", () => {
  const quiet = { ...POINT, api: { requests: 0, errors: 0, p50_ms: 0, p95_ms: 0 } };
  expect(rows([quiet], "1h")[0]).toMatchObject({ api_p50: null, api_p95: null });
});

it("stacks_answered_and_refused_requests_without_counting_any_twice", () => {
  const [row] = rows([POINT], "1h");
  expect(row).toMatchObject({ requests: 10, errors: 3, api_p50: 0.4, peak: 8 });
});
