import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LeaseSet } from "../../../src/state/lease-set.ts";

// Few different values, so that numbers meet again and share slots.
const word = fc.oneof(fc.constantFrom(0, 1, 2, 0xffffffff), fc.integer({ min: 0, max: 0xffffffff }));

describe("LeaseSet", () => {
  it("behaves as a set of pairs", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(word, word), { maxLength: 3_000 }),
        fc.tuple(word, word),
        (pairs, other) => {
          const set = new LeaseSet();
          const model = new Set<string>();
          const name = (high: number, low: number) => (high === 0 && low === 0 ? "0 1" : `${high} ${low}`);
          for (const [high, low] of pairs) {
            expect(set.add(high, low)).toBe(!model.has(name(high, low)));
            model.add(name(high, low));
          }
          expect(set.size).toBe(model.size);
          for (const [high, low] of pairs) expect(set.has(high, low)).toBe(true);
          expect(set.has(...other)).toBe(model.has(name(...other)));
        },
      ),
      { numRuns: 30 },
    );
  });

  it("finds every one of a hundred thousand after it has grown, and nothing else", () => {
    const set = new LeaseSet();
    for (let index = 0; index < 100_000; index++) set.add(index, Math.imul(index, 2654435761) >>> 0);
    expect(set.size).toBe(100_000);
    for (let index = 0; index < 100_000; index++) {
      if (!set.has(index, Math.imul(index, 2654435761) >>> 0)) expect.fail(`lost ${index}`);
      if (set.has(index + 100_000, 5)) expect.fail(`made up ${index}`);
    }
  });

  it("goes to another process as text, and into another set", () => {
    const set = new LeaseSet();
    for (let index = 0; index < 2_000; index++) set.add(index * 7919, 0xffffffff - index);
    set.add(0, 0);
    const copy = LeaseSet.unpack(set.pack());
    expect(copy.size).toBe(2_001);
    const other = new LeaseSet();
    other.add(1, 2);
    other.addAll(copy);
    expect(other.size).toBe(2_002);
    expect([other.has(0, 0), other.has(7919, 0xfffffffe), other.has(1, 2), other.has(2, 1)]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(LeaseSet.unpack(new LeaseSet().pack()).size).toBe(0);
  });
});
