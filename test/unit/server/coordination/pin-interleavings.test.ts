import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Pin } from "../../../../src/server/coordination/coordination.ts";
import { type PinAnswer, PinTable } from "../../../../src/server/coordination/pin-table.ts";

const KEYS = ["a", "b", "c", "d"];
const keys = fc.uniqueArray(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 3 });

const action = fc.oneof(
  fc.record({ type: fc.constant("request" as const), keys, more: keys }),
  fc.record({ type: fc.constant("end" as const), which: fc.nat() }),
  fc.record({ type: fc.constant("propose" as const), keys }),
  fc.record({ type: fc.constant("delete" as const), which: fc.nat() }),
  fc.record({ type: fc.constant("withdraw" as const) }),
  fc.record({ type: fc.constant("answer" as const), which: fc.nat(11) }),
  fc.record({ type: fc.constant("turn" as const) }),
);

type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/**
 * A store, a collector that removes what it may, and requests that look at the store and then rely on what they saw
 * until they end. Anything may happen in any order; a request must never find that what it saw is gone.
 */
class World {
  readonly store = new Set(KEYS);
  readonly questions: { keys: readonly string[]; answer: (answer: PinAnswer) => void }[] = [];
  readonly running: { pin: Pin; seen: Set<string> }[] = [];
  readonly table: PinTable;
  /** What the collector may still remove in this slice; undefined between slices. */
  slice: { id: number; doomed: Set<string>; removed: Set<string> } | undefined;
  started = 0;
  lastSlice = 0;
  finished = 0;

  constructor() {
    this.table = new PinTable({
      ask: (asked) => new Promise((resolve) => this.questions.push({ keys: asked, answer: resolve })),
      isLeased: () => false,
    });
  }

  async request(first: string[], more: string[]): Promise<void> {
    this.started++;
    // Looks when the pins hold, and believes what it has seen although it waits for others then.
    const taken = this.table.pin(first);
    const pin = taken instanceof Promise ? await taken : taken;
    const seen = this.look(first);
    const extended = pin.extend(more);
    if (extended !== undefined) await extended;
    for (const key of this.look(more)) seen.add(key);
    this.running.push({ pin, seen });
    this.finished++;
  }

  look(wanted: string[]): Set<string> {
    return new Set(wanted.filter((key) => this.store.has(key)));
  }

  run(step: Action): void {
    switch (step.type) {
      case "request":
        void this.request(step.keys, step.more);
        break;
      case "end": {
        const [ended] = this.running.splice(step.which % Math.max(this.running.length, 1), 1);
        ended?.pin.release();
        break;
      }
      case "propose": {
        if (this.slice !== undefined) break;
        const id = ++this.lastSlice;
        const doomed = new Set(step.keys);
        for (const needed of this.table.propose(id, step.keys)) doomed.delete(needed);
        this.slice = { id, doomed, removed: new Set() };
        break;
      }
      case "delete": {
        const key = [...(this.slice?.doomed ?? [])][step.which % Math.max(this.slice?.doomed.size ?? 0, 1)];
        if (key === undefined) break;
        this.slice?.doomed.delete(key);
        this.slice?.removed.add(key);
        this.store.delete(key);
        break;
      }
      case "withdraw":
        if (this.slice !== undefined) this.table.withdraw(this.slice.id);
        this.slice = undefined;
        // Somebody pushes what is missing.
        for (const key of KEYS) this.store.add(key);
        break;
      case "answer": {
        const [question] = this.questions.splice(step.which % Math.max(this.questions.length, 1), 1);
        question?.answer(step.which % 3 === 0 ? "wait" : this.decide(question.keys));
        break;
      }
      case "turn":
        break;
    }
  }

  /** What a supervisor does that knows better than "wait": spares what is not removed yet, in the same turn in which it answers. */
  decide(asked: readonly string[]): PinAnswer {
    const gone = asked.some((key) => this.slice?.removed.has(key));
    for (const key of asked) this.slice?.doomed.delete(key);
    return gone ? "gone" : "kept";
  }

  check(): void {
    for (const { seen } of this.running) {
      for (const key of seen) if (!this.store.has(key)) throw new Error(`${key} went while it was relied on`);
    }
  }
}

describe("pins against a collector", () => {
  it("never lets a key go that a request relies on, in any order of events", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60, size: "max" }), async (steps) => {
        const world = new World();
        for (const step of steps) {
          world.run(step);
          world.check();
          if (step.type === "turn") await setImmediate();
          world.check();
        }
        // Everything that waits comes to its end, and nothing stays pinned.
        world.run({ type: "withdraw" });
        while (world.finished < world.started) {
          for (const { answer } of world.questions.splice(0)) answer("wait");
          await setImmediate();
        }
        for (const { pin } of world.running) pin.release();
        expect(KEYS.filter((key) => world.table.isPinned(key))).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });
});
