import Table from "cli-table3";
import fc from "fast-check";
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

  it("lays out as the library does, wide letters and several lines included", () => {
    const odd = fc.array(fc.constantFrom("a", "-", "ü", "漢", "🐳", "é", "\n", " "), { maxLength: 6 });
    const cell = fc.oneof(
      fc.string({ maxLength: 8, unit: "grapheme-ascii" }),
      odd.map((parts) => `${parts.join("")}x`),
    );
    const table = fc.tuple(
      fc.tuple(cell, cell, cell),
      fc.array(fc.tuple(cell, cell, cell), { maxLength: 6 }),
      fc.subarray([0, 1, 2]),
    );
    fc.assert(
      fc.property(table, ([head, rows, right]) => {
        expect(renderTable(head, rows, right)).toBe(byLibrary(head, rows, right));
      }),
    );
  });

  it("shows a hundred thousand rows", () => {
    const rows = Array.from({ length: 100_000 }, (_, index) => [`repository/${index}`, "upload", "12 MiB"]);
    const lines = renderTable(["REPOSITORY", "UPLOAD", "SIZE"], rows, [2]).split("\n");
    expect(lines).toHaveLength(100_001);
    expect(lines.at(-1)).toBe("repository/99999  upload  12 MiB");
  });
});

const NAMES = ["top", "bottom", "left", "right", "mid", "middle"].flatMap((side) => [
  side,
  `${side}-mid`,
  `${side}-left`,
  `${side}-right`,
]);

/** The whole table in one, which takes the library hours if it is long. */
function byLibrary(head: readonly string[], rows: readonly string[][], right: readonly number[]): string {
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, index) => (right.includes(index) ? "right" : "left")),
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2 },
    chars: Object.fromEntries(NAMES.map((name) => [name, ""])),
  });
  table.push(...rows.map((row) => [...row]));
  const lines = table.toString().split("\n");
  return lines.map((line) => line.trimEnd()).join("\n");
}
