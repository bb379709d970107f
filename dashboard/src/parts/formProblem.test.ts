import { expect, it } from "vitest";
import { Problem } from "../api/problem";
import { fieldOf, messageFor } from "./formProblem";

const FIELDS = ["url", "headers", "settings.max_connections", "plan.name"];

it("finds_the_field_that_the_server_names", () => {
  expect(fieldOf("url", FIELDS)).toBe("url");
  expect(fieldOf("settings.max_connections", FIELDS)).toBe("settings.max_connections");
});

it("shows_a_part_of_a_field_at_the_field", () => {
  expect(fieldOf("headers.Host", FIELDS)).toBe("headers");
  expect(fieldOf("headers[2]", FIELDS)).toBe("headers");
});

it("finds_a_field_that_the_form_keeps_in_a_group", () => {
  expect(fieldOf("max_connections", FIELDS)).toBe("settings.max_connections");
});

it("means_no_field_where_none_is_named_or_known", () => {
  expect(fieldOf(null, FIELDS)).toBeNull();
  expect(fieldOf("elsewhere", FIELDS)).toBeNull();
});

it("does_not_repeat_the_field's_name_below_the_field", () => {
  const problem = new Problem(422, "Unprocessable Entity", "retry_hours: expected 1 to 72", "retry_hours");
  expect(messageFor(problem)).toBe("Expected 1 to 72");
});
