import { expect, it } from "vitest";
import { MemoryBudget } from "../../../src/server/memory-budget.ts";

it("refuses what does not fit, until something is given back", () => {
  const budget = new MemoryBudget(10);
  expect(budget.take(6)).toBe(true);
  expect(budget.take(5)).toBe(false);
  expect(budget.usedBytes).toBe(6);
  expect(budget.take(4)).toBe(true);
  budget.giveBack(6);
  expect(budget.take(6)).toBe(true);
  expect(budget.take(1)).toBe(false);
});
