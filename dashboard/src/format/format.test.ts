import { describe, expect, it } from "vitest";
import { milliseconds, seconds } from "./duration";
import { ago, utc, utcOfLocal } from "./moment";
import { brief, bytes, percent, plural } from "./number";

describe("numbers", () => {
  it("never_rounds_what_is_not_whole_to_100_percent", () => {
    expect(percent(0.99999)).toBe("99.9 %");
    expect(percent(1)).toBe("100 %");
    expect(percent(0.00001)).toBe("0.1 %");
    expect(percent(0)).toBe("0 %");
    expect(percent(0.976)).toBe("97.6 %");
  });

  it("shortens_only_what_is_long", () => {
    expect(brief(9999)).toBe("9,999");
    expect(brief(18_211)).toBe("18.2K");
  });

  it("counts_one_thing_in_the_singular", () => {
    expect(plural(1, "delivery", "deliveries")).toBe("1 delivery");
    expect(plural(0, "delivery", "deliveries")).toBe("0 deliveries");
    expect(plural(1234, "event")).toBe("1,234 events");
  });

  it("says_bytes_with_their_unit", () => {
    expect([0, 512, 1536, 10_240, 3 * 1024 ** 2].map(bytes)).toEqual(["0 B", "512 B", "1.5 KiB", "10 KiB", "3 MiB"]);
  });
});

describe("durations", () => {
  it("says_at_most_two_units_that_follow_each_other", () => {
    expect(seconds(2605)).toBe("43 min 25 s");
    expect(seconds(86_400 * 3 + 5)).toBe("3 d");
    expect(seconds(3600)).toBe("1 h");
    expect(seconds(0.2)).toBe("0 s");
  });

  it("says_short_times_in_milliseconds", () => {
    expect([0, 0.03, 0.42, 41.4, 1234, 125_000].map(milliseconds)).toEqual(["< 1 ms", "< 0.1 ms", "0.4 ms", "41 ms", "1.2 s", "2 min 5 s"]);
  });
});

describe("moments", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");

  it("says_only_the_largest_unit_of_what_is_past_or_to_come", () => {
    expect(ago("2026-11-21T11:57:30Z", now)).toBe("2 min ago");
    expect(ago("2026-11-28T12:00:00Z", now)).toBe("in 7 d");
    expect(ago("2026-11-21T11:59:58Z", now)).toBe("just now");
  });

  it("tells_utc_for_the_hint", () => {
    expect(utc("2026-11-21T09:30:00.123Z")).toBe("2026-11-21 09:30:00 UTC");
  });

  it("turns_a_local_input_into_utc_and_nothing_into_nothing", () => {
    const local = "2026-11-21T10:30";
    expect(utcOfLocal(local)).toBe(new Date(local).toISOString());
    expect(utcOfLocal("")).toBeUndefined();
    expect(utcOfLocal("2026-99-99T10")).toBeUndefined();
  });
});
