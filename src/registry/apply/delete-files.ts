import { CancelledError, PathNotFoundError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { canDeleteMany, hasEmptyFolders, hasSmallReads, type SmallReads } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** Files of one batch; a bulk delete of S3 takes as many. */
const BATCH_FILES = 1000;

/** One file that goes. */
export interface DeleteStep {
  path: string;
  /** Folders above it that go if they are empty then, the deepest first. */
  folders: readonly string[];
}

/** What became of a step. `kept`: it was written since it was planned. `gone`: somebody else was first. */
export type DeleteOutcome = "deleted" | "gone" | "kept" | { error: unknown };

/** Options of {@link deleteFiles}. */
export interface DeleteOptions<Step extends DeleteStep> {
  concurrency: number;
  /** A file that was written after it is kept, where the driver can tell cheaply. */
  keepWrittenAfterMs: number;
  signal?: AbortSignal | undefined;
  onOutcome: (step: Step, outcome: DeleteOutcome) => void;
  /** Called with the folder from which something was removed: the lowest one that stays. */
  onRemoval?: ((folder: string) => void) | undefined;
  /** Called before each batch; what it throws ends the run. */
  beforeBatch?: (() => Promise<void>) | undefined;
}

/**
 * Removes files, batch by batch, each by its exact path, and the folders that are empty then. A file that cannot be
 * removed is told of by `onOutcome`; the others go on.
 *
 * @throws {CancelledError} between two batches, when `signal` is aborted
 */
export async function deleteFiles<Step extends DeleteStep>(
  driver: StorageDriver,
  steps: Iterable<Step>,
  options: DeleteOptions<Step>,
): Promise<void> {
  let batch: Step[] = [];
  for (const step of steps) {
    batch.push(step);
    if (batch.length < BATCH_FILES) continue;
    await deleteBatch(driver, batch, options);
    batch = [];
  }
  if (batch.length > 0) await deleteBatch(driver, batch, options);
}

async function deleteBatch<Step extends DeleteStep>(
  driver: StorageDriver,
  batch: readonly Step[],
  options: DeleteOptions<Step>,
): Promise<void> {
  if (options.signal?.aborted) throw new CancelledError();
  await options.beforeBatch?.();
  const steps = hasSmallReads(driver) ? keepYoung(driver, batch, options) : batch;
  if (!canDeleteMany(driver)) {
    await forEachConcurrently(steps, options.concurrency, async (step) => {
      options.onOutcome(step, await deleteOne(driver, step, options.onRemoval));
    });
    return;
  }
  const failures = await driver.deleteMany(steps.map(({ path }) => path));
  const errors = new Map(failures.map(({ path, error }) => [path, error]));
  await forEachConcurrently(steps, options.concurrency, async (step) => {
    if (!errors.has(step.path)) options.onRemoval?.(await removeFolders(driver, step));
    options.onOutcome(step, errors.has(step.path) ? { error: errors.get(step.path) } : "deleted");
  });
}

/** Leaves out what was written, or has gone, since it was planned. */
function keepYoung<Step extends DeleteStep>(
  driver: SmallReads,
  batch: readonly Step[],
  { keepWrittenAfterMs, onOutcome }: DeleteOptions<Step>,
): Step[] {
  return batch.filter((step) => {
    try {
      const info = driver.statFileSync(step.path);
      if (info && info.modifiedMs <= keepWrittenAfterMs) return true;
      onOutcome(step, info ? "kept" : "gone");
    } catch (error) {
      onOutcome(step, { error });
    }
    return false;
  });
}

async function deleteOne(
  driver: StorageDriver,
  step: DeleteStep,
  onRemoval: ((folder: string) => void) | undefined,
): Promise<DeleteOutcome> {
  let outcome: DeleteOutcome = "deleted";
  try {
    await driver.delete(step.path);
  } catch (error) {
    if (!(error instanceof PathNotFoundError)) return { error };
    outcome = "gone";
  }
  onRemoval?.(await removeFolders(driver, step));
  return outcome;
}

/**
 * An empty folder that stays behind does no harm, so that it is no failure.
 *
 * @returns the lowest folder above the file that stays
 */
async function removeFolders(driver: StorageDriver, { path, folders }: DeleteStep): Promise<string> {
  let removed = path;
  if (hasEmptyFolders(driver)) {
    try {
      for (const folder of folders) {
        if (!(await driver.removeFolder(folder))) break;
        removed = folder;
      }
    } catch {
      // Kept, as said above.
    }
  }
  return removed.slice(0, removed.lastIndexOf("/"));
}
