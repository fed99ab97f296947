import { PathNotFoundError, StorageFullError, StorageUnavailableError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { messageOf } from "../../lib/message-of.ts";
import {
  type BulkDelete,
  canDeleteMany,
  canSettleRemovals,
  type EmptyFolders,
  hasEmptyFolders,
  hasSmallReads,
  hasSynchronousFolders,
} from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { parentOf } from "../paths.ts";
import {
  type DeletedFiles,
  type DeleteFilesInput,
  type DeleteOutcome,
  deleteFiles,
} from "../threads/delete-files.ts";
import type { StoreThreads } from "../threads/store-threads.ts";

/** Removes the files of a batch. Rejects for nothing that can go wrong with a store. */
export type BatchDeleter = (batch: DeleteFilesInput) => Promise<DeletedFiles>;

/** Options of {@link batchDeleter}. */
export interface BatchDeleterOptions {
  /** How many files are removed at a time where there is no faster way. */
  concurrency: number;
  /** Where the work is done if the driver allows it. */
  threads: StoreThreads | undefined;
  /** Called when a thread died. */
  onThreadLoss?: ((error: unknown) => void) | undefined;
}

/** @returns the fastest way to remove many files that a driver has */
export function batchDeleter(driver: StorageDriver, options: BatchDeleterOptions): BatchDeleter {
  const { threads, concurrency, onThreadLoss } = options;
  if (!hasSynchronousFolders(driver)) return (batch) => deleteWithPromises(driver, batch, concurrency);
  if (threads === undefined) return async (batch) => deleteFiles(driver, batch);
  return async (batch) => {
    try {
      return await threads.run("deleteFiles", batch);
    } catch (error) {
      onThreadLoss?.(error);
      // Doing it again is harmless. What is gone by now is what the thread has removed.
      const done = deleteFiles(driver, batch);
      return { ...done, outcomes: done.outcomes.map((each) => (each === "gone" ? "deleted" : each)) };
    }
  };
}

async function deleteWithPromises(
  driver: StorageDriver,
  batch: DeleteFilesInput,
  concurrency: number,
): Promise<DeletedFiles> {
  const { paths, foldersAbove } = batch;
  const outcomes = lookAtAges(driver, batch);
  const indexes = [...paths.keys()].filter((index) => outcomes[index] === "deleted");
  const undecided: number[] = [];
  if (canDeleteMany(driver)) {
    const some = indexes.map((index) => paths[index] ?? "");
    const { errors, unanswered } = await deleteTogether(driver, some);
    for (const index of indexes) {
      const path = paths[index] ?? "";
      if (errors.has(path)) outcomes[index] = failed(errors.get(path));
      if (unanswered.has(path)) undecided.push(index);
    }
  } else {
    await forEachConcurrently(indexes, concurrency, async (index) => {
      outcomes[index] = await deleteOne(driver, paths[index] ?? "");
    });
  }
  const staying = new Set<string>();
  const open = undecided.length > 0 ? { undecided } : {};
  if (!hasEmptyFolders(driver) && !canSettleRemovals(driver))
    return { outcomes, staying: [], blocked: [], ...open };
  await forEachConcurrently(paths.entries(), concurrency, async ([index, path]) => {
    if (outcomes[index] !== "deleted" && outcomes[index] !== "gone") return;
    staying.add(hasEmptyFolders(driver) ? await removeFolders(driver, path, foldersAbove) : parentOf(path));
  });
  return { outcomes, staying: [...staying], blocked: [], ...open };
}

/**
 * What became of files whose delete was not answered is not known. They count as there: what they refer to stays.
 *
 * @returns for each file that has not certainly gone why, and those that may go later
 */
async function deleteTogether(
  driver: StorageDriver & BulkDelete,
  paths: readonly string[],
): Promise<{ errors: ReadonlyMap<string, unknown>; unanswered: ReadonlySet<string> }> {
  const unanswered = new Set<string>();
  try {
    const failures = await driver.deleteMany(paths, (path) => void unanswered.add(path));
    return { errors: new Map(failures.map(({ path, error }) => [path, error])), unanswered };
  } catch (error) {
    if (!(error instanceof StorageUnavailableError) && !(error instanceof StorageFullError)) throw error;
    return { errors: new Map(paths.map((path) => [path, error])), unanswered: new Set(paths) };
  }
}

/** @returns "deleted" for what may go */
function lookAtAges(driver: StorageDriver, { paths, keepWrittenAfterMs }: DeleteFilesInput): DeleteOutcome[] {
  if (!hasSmallReads(driver)) return paths.map(() => "deleted");
  return paths.map((path) => {
    try {
      const info = driver.statFileSync(path);
      if (info === undefined) return "gone";
      return info.modifiedMs > keepWrittenAfterMs ? "kept" : "deleted";
    } catch (error) {
      return failed(error);
    }
  });
}

async function deleteOne(driver: StorageDriver, path: string): Promise<DeleteOutcome> {
  try {
    await driver.delete(path);
    return "deleted";
  } catch (error) {
    return error instanceof PathNotFoundError ? "gone" : failed(error);
  }
}

/** @returns the lowest folder above the file that stays */
async function removeFolders(
  driver: StorageDriver & EmptyFolders,
  path: string,
  count: number,
): Promise<string> {
  let folder = parentOf(path);
  try {
    for (let left = count; left > 0 && (await driver.removeFolder(folder)); left--) folder = parentOf(folder);
  } catch {
    // An empty folder that stays behind does no harm, so that it is no failure.
  }
  return folder;
}

function failed(error: unknown): DeleteOutcome {
  return { error: messageOf(error) };
}
