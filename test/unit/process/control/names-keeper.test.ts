import { describe, expect, it } from "vitest";
import type { HeldName } from "../../../../src/lib/held-name.ts";
import { NamesKeeper } from "../../../../src/process/control/names-keeper.ts";
import { silentLogger } from "../../../support/silent-logger.ts";

function world(settle: () => Promise<number> = async () => 0) {
  const told: string[][] = [];
  const keeper = new NamesKeeper(async (names: readonly HeldName[], drainMs) => {
    told.push(names.map(({ name }) => name));
    return drainMs > 0 ? settle() : 0;
  }, silentLogger);
  const hold = (name: string, signal?: AbortSignal) =>
    keeper.hold({ names: [{ name, isProject: false }], reason: "move", drainMs: 1000 }, signal);
  return { told, hold };
}

describe("NamesKeeper", () => {
  it("holds what others have asked for when one lets go", async () => {
    const { told, hold } = world();
    const first = await hold("a");
    const second = await hold("b");
    await first.release();
    expect(() => first.check()).toThrow("not held any more");
    expect(() => second.check()).not.toThrow();
    await second.release();
    await second.release();
    expect(told).toEqual([["a"], ["a", "b"], ["b"], []]);
  });

  it("lets go where one worker does not hold them", async () => {
    const { told, hold } = world(async () => {
      throw new Error("no answer");
    });
    await expect(hold("a")).rejects.toThrow("no answer");
    expect(told).toEqual([["a"], []]);
  });

  it("lets go while writes are waited for, when nobody wants them held any more", async () => {
    const gone = new AbortController();
    const { told, hold } = world(async () => {
      gone.abort();
      return 0;
    });
    const held = await hold("a", gone.signal);
    expect(() => held.check()).toThrow("not held any more");
    expect(told).toEqual([["a"], []]);
    await hold("b", AbortSignal.abort());
    expect(told.at(-1)).toEqual([]);
  });
});
