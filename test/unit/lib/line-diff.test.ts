import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diffLines } from "../../../src/lib/line-diff.ts";

const lines = fc.array(fc.constantFrom("a", "b", "c", ""), { maxLength: 12 });

describe("diffLines", () => {
  it("leads from the one text to the other", () => {
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const diff = diffLines(before, after);
        const kept = diff.filter(({ kind }) => kind !== "added").map((line) => before[line.before]);
        const made = diff.map((line) => (line.kind === "added" ? after[line.after] : before[line.before]));
        expect(kept).toEqual(before);
        expect(made.filter((_, index) => diff[index]?.kind !== "removed")).toEqual(after);
        for (const line of diff) {
          if (line.kind === "same") expect(before[line.before]).toBe(after[line.after]);
        }
      }),
    );
  });

  it("changes as few lines as possible", () => {
    const changed = diffLines(["a", "b", "c", "d", "e"], ["a", "x", "c", "e", "f"]).filter(
      ({ kind }) => kind !== "same",
    );
    expect(changed).toEqual([
      { kind: "removed", before: 1, after: 1 },
      { kind: "added", before: 2, after: 1 },
      { kind: "removed", before: 3, after: 3 },
      { kind: "added", before: 5, after: 4 },
    ]);
  });

  it("tells texts that are too large apart as a whole", () => {
    const many = (word: string): string[] =>
      Array.from({ length: 2500 }, (_, index) => `${word}${index % 7}`);
    const diff = diffLines(["same", ...many("a"), "end"], ["same", ...many("b"), "end"]);
    expect(diff.filter(({ kind }) => kind === "removed")).toHaveLength(2500);
    expect(diff.filter(({ kind }) => kind === "same")).toHaveLength(2);
  });
});
