import { describe, expect, it } from "vitest";
import { PartBudget, type PartBuffer } from "../../../../../src/storage/s3/writers/part-budget.ts";

const MIB = 1024 * 1024;
const deaf = { giveBack: async () => undefined };

/** Tells whether a promise is settled by what has happened so far. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await new Promise(setImmediate);
  return settled;
}

describe("the memory of all parts", () => {
  it("is given as long as there is some, then to those who wait in their order", async () => {
    const budget = new PartBudget(10);
    const first = await budget.reserve(6, deaf);
    const large = budget.reserve(8, deaf);
    const small = budget.reserve(1, deaf);
    expect(await isSettled(large)).toBe(false);
    expect(await isSettled(small)).toBe(false);
    first.release();
    expect((await large).bytes).toHaveLength(8);
    expect((await small).bytes).toHaveLength(1);
    expect(budget.usedBytes).toBe(9);
  });

  it("counts a buffer once, however often it is released", async () => {
    const budget = new PartBudget(10);
    const buffer = await budget.reserve(6, deaf);
    const other = await budget.reserve(4, deaf);
    buffer.release();
    buffer.release();
    expect(budget.usedBytes).toBe(4);
    other.release();
    expect(budget.usedBytes).toBe(0);
  });

  it("is used again", async () => {
    const budget = new PartBudget(4 * MIB);
    const buffer = await budget.reserve(2 * MIB, deaf);
    const { bytes } = buffer;
    buffer.release();
    expect((await budget.reserve(2 * MIB, deaf)).bytes).toBe(bytes);
  });

  it("never becomes more than there is for one", async () => {
    await expect(new PartBudget(10).reserve(11, deaf)).rejects.toThrow(RangeError);
  });

  it("lets slow holders keep a little beside it", () => {
    const budget = new PartBudget(10);
    const release = budget.keep(30 * MIB);
    expect(release).toBeDefined();
    expect(budget.keep(3 * MIB)).toBeUndefined();
    release?.();
    release?.();
    expect(budget.keep(30 * MIB)).toBeDefined();
    expect(budget.keep(3 * MIB)).toBeUndefined();
  });
});

describe("holders", () => {
  /** A holder that gives its buffer back when it is asked. */
  async function polite(budget: PartBudget, asked: string[], name: string): Promise<PartBuffer> {
    const holder = {
      giveBack: async () => {
        asked.push(name);
        buffer.release();
      },
    };
    const buffer: PartBuffer = await budget.reserve(5, holder);
    return buffer;
  }

  it("are asked only while others wait, and only the idle ones, the longest idle first", async () => {
    let now = 0;
    const asked: string[] = [];
    const budget = new PartBudget(15, () => now);
    await polite(budget, asked, "idle");
    now = 100;
    await polite(budget, asked, "less idle");
    const busy = await polite(budget, asked, "busy");
    now = 3000;
    busy.touch();
    await budget.askHolders();
    expect(asked).toEqual([]);
    const waiting = budget.reserve(5, deaf);
    await budget.askHolders();
    expect(asked).toEqual(["idle", "less idle"]);
    expect(await isSettled(waiting)).toBe(true);
  });

  it("are asked after a while, however busy, as their client may be slow", async () => {
    let now = 0;
    const asked: string[] = [];
    const budget = new PartBudget(5, () => now);
    const slow = await polite(budget, asked, "slow");
    const waiting = budget.reserve(5, deaf);
    now = 9_999;
    slow.touch();
    await budget.askHolders();
    expect(asked).toEqual([]);
    now = 10_001;
    slow.touch();
    await budget.askHolders();
    expect(asked).toEqual(["slow"]);
    expect(await isSettled(waiting)).toBe(true);
  });

  it("are not asked for what is on its way to the store", async () => {
    let now = 0;
    const asked: string[] = [];
    const budget = new PartBudget(5, () => now);
    (await polite(budget, asked, "sending")).sending();
    void budget.reserve(5, deaf);
    now = 60_000;
    await budget.askHolders();
    expect(asked).toEqual([]);
  });
});
