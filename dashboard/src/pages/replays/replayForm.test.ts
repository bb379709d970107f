import { expect, it } from "vitest";
import { newReplay } from "./replayForm";

const EMPTY = { from: "", to: "", channel: "", event: "" };

it("asks_for_all_failed_deliveries_when_no_span_is_given", () => {
  expect(newReplay({ kind: "failed", ...EMPTY })).toEqual({ failed: {} });
});

it("does_not_send_a_channel_with_failed_deliveries", () => {
  expect(newReplay({ kind: "failed", ...EMPTY, channel: "a" })).toEqual({ failed: {} });
});

it("asks_for_a_part_of_the_log", () => {
  const from = "2026-11-21T10:00";
  expect(newReplay({ kind: "log", ...EMPTY, from, channel: "a" })).toEqual({ log: { from: new Date(from).toISOString(), channel: "a" } });
});
