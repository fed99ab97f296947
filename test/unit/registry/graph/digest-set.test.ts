import { expect, it } from "vitest";
import { DigestSet } from "../../../../src/registry/graph/digest-set.ts";

it("forgets everything at clear, and keeps the order of adding", () => {
  const set = new DigestSet();
  expect([set.add(70_000), set.add(0), set.add(70_000)]).toEqual([true, true, false]);
  expect([...set.members()]).toEqual([70_000, 0]);
  set.clear();
  expect([set.has(0), set.has(70_000), set.size]).toEqual([false, false, 0]);
  set.add(5);
  expect([set.has(5), set.has(0), set.has(70_000)]).toEqual([true, false, false]);
});
