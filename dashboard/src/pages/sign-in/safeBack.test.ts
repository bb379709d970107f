import { expect, it } from "vitest";
import { safeBack } from "./safeBack";

it("goes_back_to_a_page_of_the_dashboard", () => {
  expect(safeBack("/apps/1001/keys?q=a")).toBe("/apps/1001/keys?q=a");
});

it("goes_nowhere_else", () => {
  for (const back of [undefined, "", "https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"]) {
    expect(safeBack(back), String(back)).toBe("/");
  }
});

it("does_not_go_round_in_circles", () => {
  expect(safeBack("/sign-in?back=/")).toBe("/");
});
