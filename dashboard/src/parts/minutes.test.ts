import { expect, it } from "vitest";
import { everyMinute } from "./minutes";

const NOW = Date.parse("2026-11-21T12:00:30Z");

it("fills_the_hour_up_to_this_minute", () => {
  const hour = everyMinute([{ at: "2026-11-21T11:59:05Z", accepted: 3, failed: 1 }], NOW);
  expect(hour).toHaveLength(60);
  expect(hour.at(-2)).toMatchObject({ accepted: 3, failed: 1 });
  expect(hour.at(-1)).toEqual({ at: "2026-11-21T12:00:00.000Z", accepted: 0, failed: 0 });
});

it("forgets_what_is_older_than_an_hour", () => {
  const hour = everyMinute([{ at: "2026-11-21T10:59:05Z", accepted: 3, failed: 1 }], NOW);
  expect(hour.every(({ accepted }) => accepted === 0)).toBe(true);
});
