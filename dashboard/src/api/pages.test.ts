import { describe, expect, it } from "vitest";
import { missingOf } from "./pages";

describe("nodes that did not answer", () => {
  it("are_named_once_for_all_pages", () => {
    const pages = [{ missing_nodes: ["node-2", "node-1"] }, {}, { missing_nodes: ["node-2"] }];
    expect(missingOf(pages)).toEqual(["node-1", "node-2"]);
    expect(missingOf([{ missing_nodes: [] }])).toEqual([]);
  });
});
