import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlobHolders, type Removable } from "../../../../../src/operations/usage/free/blob-holders.ts";
import { chooseLeast } from "../../../../../src/operations/usage/free/choose-least.ts";
import { chooseOldest } from "../../../../../src/operations/usage/free/choose-oldest.ts";

interface Case {
  sizes: number[];
  removables: Removable[];
  wantedBytes: number;
}

const BLOBS = 8;

/** Up to nine things that keep some of eight blobs, so that every subset can be tried. */
const cases: fc.Arbitrary<Case> = fc.record({
  sizes: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: BLOBS, maxLength: BLOBS }),
  removables: fc.array(
    fc.record({
      cost: fc.integer({ min: 1, max: 3 }),
      blobs: fc.uniqueArray(fc.nat(BLOBS - 1), { maxLength: 4 }).map((blobs) => Uint32Array.from(blobs)),
    }),
    { maxLength: 9 },
  ),
  wantedBytes: fc.integer({ min: 1, max: 60 }),
});

/** What is free when some are given up, counted from the start. */
function freedBy({ sizes, removables }: Case, chosen: readonly number[]): number {
  const all = new Set(removables.flatMap(({ blobs }) => [...blobs]));
  const kept = new Set(removables.flatMap(({ blobs }, index) => (chosen.includes(index) ? [] : [...blobs])));
  return [...all].reduce((sum, blob) => (kept.has(blob) ? sum : sum + (sizes[blob] ?? 0)), 0);
}

function costOf({ removables }: Case, chosen: readonly number[]): number {
  return chosen.reduce((sum, index) => sum + (removables[index]?.cost ?? 0), 0);
}

function removable(cost: number, ...blobs: number[]): Removable {
  return { cost, blobs: Uint32Array.from(blobs) };
}

describe("chooseLeast", () => {
  it("frees enough whenever that is possible, says how much to the byte, and chooses nothing that is not needed", () => {
    fc.assert(
      fc.property(cases, (each) => {
        const { sizes, removables, wantedBytes } = each;
        const choice = chooseLeast(sizes, removables, wantedBytes);
        const all = [...removables.keys()];
        if (freedBy(each, all) < wantedBytes) {
          expect(choice).toBeUndefined();
          return;
        }
        const { chosen = [], freedBytes } = choice ?? {};
        expect(freedBytes).toBe(freedBy(each, chosen));
        expect(freedBytes).toBeGreaterThanOrEqual(wantedBytes);
        for (const index of chosen) {
          const fewer = chosen.filter((other) => other !== index);
          expect(freedBy(each, fewer)).toBeLessThan(wantedBytes);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("is seldom far from the least cost there is", () => {
    let [cost, least] = [0, 0];
    for (const each of fc.sample(cases, { numRuns: 300, seed: 1 })) {
      const choice = chooseLeast(each.sizes, each.removables, each.wantedBytes);
      if (!choice) continue;
      cost += costOf(each, choice.chosen);
      let best = Number.POSITIVE_INFINITY;
      for (let bits = 0; bits < 1 << each.removables.length; bits++) {
        const chosen = [...each.removables.keys()].filter((index) => (bits >> index) & 1);
        if (freedBy(each, chosen) >= each.wantedBytes) best = Math.min(best, costOf(each, chosen));
      }
      least += best;
    }
    expect(least).toBeGreaterThan(300);
    expect(cost / least).toBeLessThan(1.1);
  });

  it("takes one that is large rather than many that are small", () => {
    const small = Array.from({ length: 10 }, (_, blob) => removable(1, blob));
    const sizes = [...Array.from({ length: 10 }, () => 10), 100];
    expect(chooseLeast(sizes, [...small, removable(1, 10)], 95)?.chosen).toEqual([10]);
  });

  it("finds what frees much only together", () => {
    // Three tags share what is large; each alone frees less than any of the others.
    const sizes = [1000, 1, 1, 1, 60, 60, 60, 60, 60, 60];
    const together = [removable(1, 0, 1), removable(1, 0, 2), removable(1, 0, 3)];
    const others = [4, 5, 6, 7, 8, 9].map((blob) => removable(1, blob));
    expect(chooseLeast(sizes, [...others, ...together], 300)?.chosen).toEqual([6, 7, 8]);
  });

  it("prefers what needs fewer tags for the same bytes", () => {
    expect(chooseLeast([50, 50], [removable(5, 0), removable(1, 1)], 50)?.chosen).toEqual([1]);
  });

  it("chooses among tens of thousands that share one layer, none of which frees anything alone but its own", () => {
    const count = 40_000;
    const sizes = [10 ** 9, ...Array.from({ length: count }, () => 7)];
    const removables = Array.from({ length: count }, (_, index) => removable(1, 0, index + 1));
    expect(chooseLeast(sizes, removables, 700)?.chosen).toHaveLength(100);
    expect(chooseLeast(sizes, removables, 10 ** 9)?.chosen).toHaveLength(count);
  });
});

describe("chooseOldest", () => {
  it("chooses the oldest that free enough, or all that free anything", () => {
    fc.assert(
      fc.property(cases, fc.nat(8), (each, young) => {
        const { sizes, removables, wantedBytes } = each;
        const oldestFirst = [...removables.keys()].slice(young);
        const { chosen, freedBytes } = chooseOldest(sizes, removables, oldestFirst, wantedBytes);
        expect(freedBytes).toBe(freedBy(each, chosen));
        expect(chosen.every((index) => oldestFirst.includes(index))).toBe(true);
        const least = Math.min(wantedBytes, freedBy(each, oldestFirst));
        expect(freedBytes).toBeGreaterThanOrEqual(least);
        for (const index of chosen) {
          const fewer = chosen.filter((other) => other !== index);
          expect(freedBy(each, fewer)).toBeLessThan(least);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("leaves younger ones alone where older ones suffice", () => {
    const removables = [removable(1, 0), removable(1, 1), removable(1, 2)];
    expect(chooseOldest([10, 10, 500], removables, [1, 0, 2], 15).chosen).toEqual([0, 1]);
    expect(chooseOldest([10, 10, 500], removables, [1, 0, 2], 10).chosen).toEqual([1]);
  });

  it("leaves alone what frees nothing", () => {
    const removables = [removable(1, 0), removable(1, 0)];
    expect(chooseOldest([10], removables, [0], 10)).toEqual({ chosen: [], freedBytes: 0 });
  });
});

describe("BlobHolders", () => {
  it("counts back what is kept again", () => {
    const holders = new BlobHolders([10, 5], [removable(1, 0), removable(1, 0, 1)]);
    holders.giveUp(0);
    expect([holders.freedBytes, holders.bytesOf(1)]).toEqual([0, 15]);
    holders.giveUp(1);
    expect(holders.freedBytes).toBe(15);
    holders.keep(0);
    expect([holders.freedBytes, holders.isGivenUp(0)]).toEqual([5, false]);
    const left: number[] = [];
    holders.forEachHolder(0, (index) => left.push(index));
    expect(left).toEqual([0]);
    expect(holders.allBytes).toBe(15);
  });
});
