import { expect, it } from "vitest";
import { checkJson, pretty } from "./json";

it("knows_json_and_makes_it_pretty", () => {
  expect(checkJson('{"a":1}')).toEqual({ kind: "json", pretty: '{\n  "a": 1\n}' });
  expect(checkJson('"just a string"').kind).toBe("json");
});

it("takes_what_does_not_begin_like_json_for_text", () => {
  expect(checkJson("hello").kind).toBe("text");
  expect(checkJson("").kind).toBe("text");
});

it("says_where_json_breaks_off", () => {
  expect(checkJson('{\n  "a": 1,\n}')).toMatchObject({ kind: "broken", line: 3, column: 1 });
  expect(checkJson('{"a":')).toMatchObject({ kind: "broken" });
});

it("leaves_alone_what_is_not_json", () => {
  expect(pretty("<b>no</b>")).toBe("<b>no</b>");
});
