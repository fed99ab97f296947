import { setImmediate } from "node:timers/promises";
import { CancelledError } from "../../errors.ts";
import type { DeletedFiles } from "../threads/delete-files.ts";
import type { BatchDeleter } from "./delete-batch.ts";

/** Options of {@link deleteInBatches}. */
export interface InBatchesOptions<Step> {
  remove: BatchDeleter;
  /** Files of one batch. */
  batchFiles: number;
  /** So many batches are under way at a time. */
  inFlight: number;
  /** So many folders above each file go if they are empty then. */
  foldersAbove: number;
  /** A file that was written after it is kept, where the driver can tell cheaply. */
  keepWrittenAfterMs: number;
  signal?: AbortSignal | undefined;
  /**
   * Called before each batch, for one after the other; what it throws ends the run.
   *
   * @returns the steps that go now: all of them, or some of them in their order; none leaves the batch out
   */
  beforeBatch: (steps: readonly Step[]) => Promise<readonly Step[]>;
  /** Called with what `beforeBatch` gave when all of it is done; what it throws ends the run. */
  afterBatch: (steps: readonly Step[], deleted: DeletedFiles) => Promise<void>;
}

/**
 * Removes files batch by batch, several batches at a time. Steps are asked for as they are needed. However it ends, no
 * batch is under way any more then.
 *
 * @throws {CancelledError} between two batches, when `signal` is aborted
 */
export async function deleteInBatches<Step extends { path: string }>(
  steps: Iterable<Step>,
  options: InBatchesOptions<Step>,
): Promise<void> {
  const { batchFiles, foldersAbove, keepWrittenAfterMs, inFlight, signal } = options;
  const underWay = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;
  const start = (batch: readonly Step[]): void => {
    const paths = batch.map(({ path }) => path);
    const work = options
      .remove({ paths, foldersAbove, keepWrittenAfterMs })
      .then((deleted) => options.afterBatch(batch, deleted))
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => underWay.delete(work));
    underWay.add(work);
  };
  try {
    for (const batch of batchesOf(steps, batchFiles)) {
      // Signals and timers get their turn, however the batches are removed.
      await setImmediate();
      while (underWay.size >= inFlight) await Promise.race(underWay);
      if (failure) break;
      if (signal?.aborted) throw new CancelledError();
      const going = await options.beforeBatch(batch);
      if (going.length > 0) start(going);
    }
  } finally {
    await Promise.all(underWay);
  }
  if (failure) throw failure.error;
}

function* batchesOf<Step>(steps: Iterable<Step>, size: number): Generator<Step[]> {
  let batch: Step[] = [];
  for (const step of steps) {
    batch.push(step);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
