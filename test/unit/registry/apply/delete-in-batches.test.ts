import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { BatchDeleter } from "../../../../src/registry/apply/delete-batch.ts";
import { deleteInBatches, type InBatchesOptions } from "../../../../src/registry/apply/delete-in-batches.ts";
import type { DeletedFiles } from "../../../../src/registry/threads/delete-files.ts";

interface Step {
  path: string;
}

const NOTHING: DeletedFiles = { outcomes: [], staying: [], blocked: [] };

/** Batches that end when the test says so. */
class HeldBatches {
  readonly begun: string[] = [];
  readonly #ends: { resolve: () => void; reject: (error: Error) => void }[] = [];

  readonly remove: BatchDeleter = ({ paths }) => {
    this.begun.push(paths[0] ?? "");
    return new Promise((resolve, reject) => {
      this.#ends.push({ resolve: () => resolve(NOTHING), reject });
    });
  };

  end(index: number): void {
    this.#ends[index]?.resolve();
  }

  fail(index: number): void {
    this.#ends[index]?.reject(new Error("thread of batch gone"));
  }
}

function* steps(count: number, onStep: (index: number) => void = () => undefined): Generator<Step> {
  for (let index = 0; index < count; index++) {
    onStep(index);
    yield { path: `/${index}` };
  }
}

function options(held: HeldBatches, more: Partial<InBatchesOptions<Step>> = {}): InBatchesOptions<Step> {
  return {
    remove: held.remove,
    batchFiles: 1000,
    inFlight: 3,
    foldersAbove: 1,
    keepWrittenAfterMs: 0,
    beforeBatch: async (batch) => batch,
    afterBatch: async () => undefined,
    ...more,
  };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await setImmediate();
}

/** Tells whether a promise has settled, and how. */
function watch(promise: Promise<void>): { outcome: string } {
  const state = { outcome: "pending" };
  promise.then(
    () => {
      state.outcome = "done";
    },
    (error: Error) => {
      state.outcome = error.message;
    },
  );
  return state;
}

describe("deleting in batches", () => {
  it("has several under way, and takes steps only as they are needed", async () => {
    const held = new HeldBatches();
    let taken = 0;
    const endless = steps(10_000_000, (index) => {
      taken = index + 1;
    });
    const signal = new AbortController();
    const state = watch(deleteInBatches(endless, options(held, { signal: signal.signal })));
    await settle();
    expect(held.begun).toEqual(["/0", "/1000", "/2000"]);
    held.end(1);
    await settle();
    expect(held.begun).toEqual(["/0", "/1000", "/2000", "/3000"]);
    expect(taken).toBeLessThanOrEqual(5000);
    signal.abort();
    for (const index of [0, 2, 3]) held.end(index);
    await settle();
    expect(state.outcome).toBe("cancelled");
  });

  it("when it is to stop, begins no batch and waits for those under way", async () => {
    const held = new HeldBatches();
    const after: string[] = [];
    const stop = new AbortController();
    const run = deleteInBatches(
      steps(10_000),
      options(held, {
        signal: stop.signal,
        afterBatch: async ([first]) => void after.push(first?.path ?? ""),
      }),
    );
    const state = watch(run);
    await settle();
    stop.abort();
    held.end(0);
    await settle();
    expect([held.begun.length, after, state.outcome]).toEqual([3, ["/0"], "pending"]);
    held.end(1);
    held.end(2);
    await settle();
    expect([held.begun.length, after, state.outcome]).toEqual([3, ["/0", "/1000", "/2000"], "cancelled"]);
  });

  it("begins nothing after what was asked before a batch has failed, and waits for the others", async () => {
    const held = new HeldBatches();
    let asked = 0;
    const state = watch(
      deleteInBatches(
        steps(10_000),
        options(held, {
          beforeBatch: async (batch) => {
            if (++asked === 3) throw new Error("lock lost");
            return batch;
          },
        }),
      ),
    );
    await settle();
    expect([held.begun, asked, state.outcome]).toEqual([["/0", "/1000"], 3, "pending"]);
    held.end(0);
    held.end(1);
    await settle();
    expect([held.begun.length, state.outcome]).toEqual([2, "lock lost"]);
  });

  it("waits for the others when a batch rejects, and rejects with its error", async () => {
    const held = new HeldBatches();
    const state = watch(deleteInBatches(steps(10_000), options(held)));
    await settle();
    held.fail(1);
    await settle();
    expect([held.begun.length, state.outcome]).toEqual([3, "pending"]);
    held.end(0);
    held.end(2);
    await settle();
    expect([held.begun.length, state.outcome]).toEqual([3, "thread of batch gone"]);
  });

  it("is done only when the last batch is, and asks before one batch after the other", async () => {
    const held = new HeldBatches();
    let asking = 0;
    let mostAsking = 0;
    const state = watch(
      deleteInBatches(
        steps(2500),
        options(held, {
          beforeBatch: async (batch) => {
            mostAsking = Math.max(mostAsking, ++asking);
            await setImmediate();
            asking--;
            return batch;
          },
        }),
      ),
    );
    await settle();
    held.end(0);
    held.end(1);
    await settle();
    expect(state.outcome).toBe("pending");
    held.end(2);
    await settle();
    expect([state.outcome, mostAsking]).toEqual(["done", 1]);
  });

  it("begins nothing at all when there are no steps", async () => {
    const held = new HeldBatches();
    await deleteInBatches([], options(held));
    expect(held.begun).toEqual([]);
  });

  it("removes of a batch only what is left of it before it begins, and no batch of which nothing is", async () => {
    const held = new HeldBatches();
    const ended: string[][] = [];
    const state = watch(
      deleteInBatches(
        steps(3000),
        options(held, {
          beforeBatch: async (batch) => batch.filter(({ path }) => /^\/(?:[12]|2\d{3})$/.test(path)),
          afterBatch: async (batch) => void ended.push(batch.map(({ path }) => path)),
        }),
      ),
    );
    await settle();
    held.end(0);
    held.end(1);
    await settle();
    expect([held.begun, state.outcome]).toEqual([["/1", "/2000"], "done"]);
    expect(ended.map((paths) => paths.length)).toEqual([2, 1000]);
  });
});
