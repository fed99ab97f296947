import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChosenRows, type RowChoice } from "../../../../src/operations/usage/choose-rows.ts";
import { SORT_KEYS, type UsageRow } from "../../../../src/operations/usage/usage-report.ts";

const ALL: RowChoice = {
  ...{ sort: "size", top: undefined, sinceMs: undefined, overBytes: undefined, overBy: "sizeBytes" },
};

function choose(rows: readonly UsageRow[], choice: Partial<RowChoice>): { names: string[]; leftOut: number } {
  const chosen = new ChosenRows({ ...ALL, ...choice });
  for (const row of rows) chosen.add(row);
  const { rows: kept, leftOut } = chosen.finish();
  return { names: kept.map(({ name }) => name), leftOut };
}

describe("ChosenRows", () => {
  it("shows the same first rows, however many it need not remember", () => {
    const rows = fc.uniqueArray(fc.record({ name: fc.string(), sizeBytes: fc.nat(9), tags: fc.nat(3) }), {
      selector: ({ name }) => name,
      maxLength: 60,
    });
    fc.assert(
      fc.property(rows, fc.constantFrom(...SORT_KEYS), fc.integer({ min: 1, max: 9 }), (list, sort, top) => {
        const all = choose(list, { sort });
        expect(all.leftOut).toBe(0);
        expect(choose(list, { sort, top })).toEqual({
          names: all.names.slice(0, top),
          leftOut: Math.max(0, list.length - top),
        });
      }),
    );
  });

  it("sorts numbers from the largest, pushes from the newest and names from their first letter", () => {
    const rows: UsageRow[] = [
      { name: "b", sizeBytes: 1, tags: 3, lastPushAt: "2026-01-01T00:00:00.000Z" },
      { name: "a", sizeBytes: 5, tags: 2 },
      { name: "c", sizeBytes: 5, tags: 1, lastPushAt: "2026-02-01T00:00:00.000Z" },
    ];
    expect(choose(rows, { sort: "size" }).names).toEqual(["a", "c", "b"]);
    expect(choose(rows, { sort: "name" }).names).toEqual(["a", "b", "c"]);
    expect(choose(rows, { sort: "tags" }).names).toEqual(["b", "a", "c"]);
    expect(choose(rows, { sort: "pushed" }).names).toEqual(["c", "b", "a"]);
  });

  it("leaves out what was pushed before, or nobody knows when, and what is not larger", () => {
    const rows: UsageRow[] = [
      { name: "old", sizeBytes: 10, gitlabBytes: 30, lastPushAt: "2026-01-01T00:00:00.000Z" },
      { name: "new", sizeBytes: 20, gitlabBytes: 5, lastPushAt: "2026-02-01T00:00:00.000Z" },
      { name: "unknown", sizeBytes: 30 },
    ];
    expect(choose(rows, { sinceMs: Date.parse("2026-02-01") }).names).toEqual(["new"]);
    expect(choose(rows, { overBytes: 10 }).names).toEqual(["unknown", "new"]);
    expect(choose(rows, { overBytes: 10, overBy: "gitlabBytes" }).names).toEqual(["old"]);
  });
});
