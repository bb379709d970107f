import { expect, it } from "vitest";
import { may } from "./role";

it("lets_a_role_do_what_smaller_ones_may", () => {
  expect(may("owner", "developer")).toBe(true);
  expect(may("developer", "developer")).toBe(true);
  expect(may("viewer", "developer")).toBe(false);
  expect(may("developer", "owner")).toBe(false);
});

it("lets_nobody_do_anything_before_the_role_is_known", () => {
  expect(may(undefined, "viewer")).toBe(false);
});
