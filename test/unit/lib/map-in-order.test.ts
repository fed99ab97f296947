import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { mapInOrder } from "../../../src/lib/map-in-order.ts";

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const result of results) all.push(result);
  return all;
}

describe("mapInOrder", () => {
  it("gives results in the order of the items, whichever is ready first", async () => {
    const results = mapInOrder([30, 1, 20, 0], 3, async (delayMs) => {
      await setTimeout(delayMs);
      return delayMs;
    });

    expect(await collect(results)).toEqual([30, 1, 20, 0]);
  });

  it("works on no more items than it may beside the one that is asked for", async () => {
    let running = 0;
    let most = 0;
    const items = Array.from({ length: 20 }, (_, index) => index);
    const results = mapInOrder(items, 4, async (item) => {
      most = Math.max(most, ++running);
      await setTimeout(1);
      running--;
      return item;
    });

    expect(await collect(results)).toEqual(items);
    expect(most).toBe(5);
  });

  it("ends with the first error, once everything under way has ended", async () => {
    let ended = 0;
    const results = mapInOrder([1, 2, 3], 5, async (item) => {
      await setTimeout(item * 5);
      ended++;
      if (item === 1) throw new Error("first");
      return item;
    });

    await expect(collect(results)).rejects.toThrow("first");
    expect(ended).toBe(3);
  });

  it("takes no further items once its reader has left", async () => {
    let taken = 0;
    function* items(): Generator<number> {
      for (;;) yield ++taken;
    }
    for await (const result of mapInOrder(items(), 2, async (item) => item)) {
      if (result === 3) break;
    }
    expect(taken).toBeLessThanOrEqual(6);
  });

  it("has no more weight ahead than it may, save one item that is heavier", async () => {
    const items = [3, 3, 3, 20, 1, 1, 1, 1];
    let ahead = 0;
    let most = 0;
    const results = mapInOrder(
      items,
      100,
      async (item) => {
        ahead += item;
        most = Math.max(most, item === 20 ? 0 : ahead);
        await setTimeout(1);
        return item;
      },
      { weightOf: (item) => item, maxWeight: 7 },
    );
    const seen: number[] = [];
    for await (const result of results) {
      seen.push(result);
      ahead -= result;
    }
    expect(seen).toEqual(items);
    expect(most).toBeLessThanOrEqual(10);
  });
});
