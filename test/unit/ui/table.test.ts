import { describe, expect, it } from "vitest";
import { renderTable } from "../../../src/ui/table.ts";

describe("renderTable", () => {
  it("aligns columns without frame, colour or trailing blanks", () => {
    const text = renderTable(
      ["repository", "bytes"],
      [
        ["a/b", "12"],
        ["long/name", "3"],
      ],
      [1],
    );
    expect(text.split("\n")).toEqual(["repository  bytes", "a/b            12", "long/name       3"]);
  });
});
