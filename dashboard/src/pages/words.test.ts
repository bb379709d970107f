import { expect, it } from "vitest";
import { actionWords, changeWords } from "./audit/words";
import { browserOf } from "./me/browser";
import { withoutEmpty } from "../parts/useFilters";

it("says_what_was_done_and_changed_in_words", () => {
  expect(actionWords("key.secret_revealed")).toBe("Key secret revealed");
  expect(changeWords({ field: "settings.client_events", from: false, to: true })).toBe("client events: off → on");
  expect(changeWords({ field: "name", from: null, to: "Chat" })).toBe("name: Chat");
  expect(changeWords({ field: "events", from: ["a", "b"], to: [] })).toBe("events: a, b → none");
});

it("names_browsers_as_people_know_them", () => {
  expect(browserOf("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")).toBe("Firefox on Linux");
  expect(browserOf("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) AppleWebKit/605 Version/18.0 Mobile Safari/604.1")).toBe("Safari on iOS");
  expect(browserOf("")).toBe("Unknown browser");
  expect(browserOf("curl/8")).toBe("Another browser");
});

it("leaves_empty_filters_out_of_the_address", () => {
  expect(withoutEmpty({ q: "", status: "failed", channel: undefined })).toEqual({ status: "failed" });
});
