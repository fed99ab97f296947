import fc from "fast-check";
import { expect, it } from "vitest";
import { ScoreQueue } from "../../../../../src/operations/usage/free/score-queue.ts";

it("gives out the item with the highest scores as they are at that moment, and of equals the first", () => {
  const step = fc.oneof(
    fc.record({ item: fc.nat(9), score: fc.nat(3), second: fc.nat(2) }),
    fc.constant("take" as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new ScoreQueue(10);
      let model: { item: number; score: number; second: number }[] = [];
      for (const each of steps) {
        if (each === "take") {
          model.sort((a, b) => b.score - a.score || b.second - a.second || a.item - b.item);
          expect(queue.take()).toBe(model.shift()?.item);
        } else {
          queue.set(each.item, each.score, each.second);
          model = [...model.filter(({ item }) => item !== each.item), each];
        }
      }
    }),
    { numRuns: 500 },
  );
});
