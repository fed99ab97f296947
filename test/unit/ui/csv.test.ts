import { describe, expect, it } from "vitest";
import { renderCsv } from "../../../src/ui/csv.ts";
import { renderMarkdownTable } from "../../../src/ui/markdown-table.ts";

describe("renderCsv", () => {
  it("quotes only what must be", () => {
    expect(
      renderCsv([
        ["a b", "1", ""],
        ['x,"y"', "two\nlines"],
      ]),
    ).toBe('a b,1,\n"x,""y""","two\nlines"\n');
  });
});

describe("renderMarkdownTable", () => {
  it("keeps what would end a cell or a row in its cell", () => {
    expect(renderMarkdownTable(["A", "B"], [["x|y", "1\n2"], ["z\\"]], [1])).toBe(
      "| A | B |\n| --- | ---: |\n| x\\|y | 1 2 |\n| z\\\\ |  |",
    );
  });
});
