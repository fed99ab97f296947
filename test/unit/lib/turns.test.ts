import { expect, it } from "vitest";
import { Turns } from "../../../src/lib/turns.ts";

it("runs one piece of work after the other, and goes on after one that fails", async () => {
  const turns = new Turns();
  const order: string[] = [];
  const work =
    (name: string, fails = false) =>
    async (): Promise<string> => {
      order.push(`begin ${name}`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`end ${name}`);
      if (fails) throw new Error(name);
      return name;
    };
  const all = await Promise.allSettled([
    turns.take(work("a")),
    turns.take(work("b", true)),
    turns.take(work("c")),
  ]);
  expect(order).toEqual(["begin a", "end a", "begin b", "end b", "begin c", "end c"]);
  expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});
