import { CancelledError, PathNotFoundError } from "../../errors.ts";
import { mapInOrder } from "../../lib/map-in-order.ts";
import { hasEmptyFolders } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { batchDeleter } from "../apply/delete-batch.ts";
import { removeEmptyRepository } from "../apply/remove-empty-repository.ts";
import { FOLDERS_ABOVE } from "../apply/sweep-phase.ts";
import { UnsettledFolders } from "../apply/unsettled-folders.ts";
import { manifestsPath } from "../paths.ts";
import { statSmallFile } from "../small-file.ts";
import { deletionsLeft, type ExtraFile, type ExtraFiles } from "./extra-files.ts";
import type { SyncAmounts } from "./sync-result.ts";
import { type SyncedKind, syncedFileAt } from "./synced-file.ts";

/** What {@link deleteExtra} works on. */
export interface ExtraDeletion {
  source: StorageDriver;
  target: StorageDriver;
  extra: ExtraFiles;
  /** Clients may push: each file is looked for at the source once more before it goes. */
  isLive: boolean;
  /** Where an earlier run has come to; empty at the beginning. */
  after: string;
  signal: AbortSignal;
  /** Told behind each batch; `upTo` is the last file of it, undefined if not all of them are gone. */
  onBatch: (removed: SyncAmounts, upTo: string | undefined) => void;
  onFailure: (path: string, error: string) => void;
}

const BATCH_FILES = 1000;
const CONCURRENCY = 32;
/** The folder of a tag goes with its link. */
const TAG_FOLDERS_ABOVE = 2;
const FOLDERS: Readonly<Record<SyncedKind, number>> = {
  tag: TAG_FOLDERS_ABOVE,
  history: FOLDERS_ABOVE["tag history"],
  revision: FOLDERS_ABOVE.manifests,
  layer: FOLDERS_ABOVE["layer links"],
  other: 0,
  blob: FOLDERS_ABOVE.blobs,
};

/**
 * Removes from the target what only it has, tags first and blobs last, each file by its exact path; and the folders that
 * are empty then, up to those of repositories that the source does not have.
 *
 * @returns false if it has ended early, as something could not be removed that names what would have come next
 * @throws {CancelledError} between two batches
 */
export async function deleteExtra(deletion: ExtraDeletion): Promise<boolean> {
  const { target, extra, signal } = deletion;
  const left = deletionsLeft(deletion.after);
  const folders = new UnsettledFolders(target);
  const repositories = new Set<string>();
  let { after } = left;
  let hasFailed = false;
  for (const kind of left.kinds) {
    // What a power cut brings back must not name what is gone for good.
    if (kind === "blob") await folders.settle();
    for await (const batch of inBatches(extra.of(kind, after))) {
      if (signal.aborted) throw new CancelledError();
      hasFailed = !(await deleteBatch(deletion, kind, batch, folders)) || hasFailed;
      if (hasEmptyFolders(target)) for (const { path } of batch) addRepository(repositories, path);
    }
    after = "";
    if (hasFailed) break;
  }
  for (const name of repositories) await removeIfGone(deletion, name);
  await folders.settle();
  return !hasFailed;
}

async function deleteBatch(
  { source, target, isLive, onBatch, onFailure }: ExtraDeletion,
  kind: SyncedKind,
  batch: readonly ExtraFile[],
  folders: UnsettledFolders,
): Promise<boolean> {
  const files = isLive ? await stillExtra(source, batch) : batch;
  const remove = batchDeleter(target, { concurrency: CONCURRENCY, threads: undefined });
  const paths = files.map(({ path }) => path);
  const keepWrittenAfterMs = Number.POSITIVE_INFINITY;
  const { outcomes, staying } = await remove({ paths, foldersAbove: FOLDERS[kind], keepWrittenAfterMs });
  const removed: SyncAmounts = { files: 0, bytes: 0 };
  for (const [index, outcome] of outcomes.entries()) {
    const file = files[index];
    if (!file) continue;
    if (typeof outcome === "object") onFailure(file.path, outcome.error);
    else if (outcome === "deleted") {
      removed.files++;
      removed.bytes += file.sizeBytes;
    }
  }
  for (const folder of staying) folders.add(folder);
  await folders.settleMany();
  const hasFailed = outcomes.some((outcome) => typeof outcome === "object");
  onBatch(removed, hasFailed ? undefined : batch.at(-1)?.path);
  return !hasFailed;
}

/** A client may have pushed again what was gone when the source was listed, and links to it may have counted as the same. */
async function stillExtra(source: StorageDriver, batch: readonly ExtraFile[]): Promise<ExtraFile[]> {
  const extra: ExtraFile[] = [];
  const look = async (file: ExtraFile) => ({ file, isThere: await statSmallFile(source, file.path) });
  for await (const { file, isThere } of mapInOrder(batch, CONCURRENCY, look)) if (!isThere) extra.push(file);
  return extra;
}

async function* inBatches(files: AsyncIterable<ExtraFile>): AsyncGenerator<ExtraFile[]> {
  let batch: ExtraFile[] = [];
  for await (const file of files) {
    batch.push(file);
    if (batch.length < BATCH_FILES) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function addRepository(repositories: Set<string>, path: string): void {
  const repository = syncedFileAt(path)?.repository;
  if (repository !== undefined) repositories.add(repository);
}

/** A repository of which only empty folders are left would stay in the catalog. */
async function removeIfGone({ source, target }: ExtraDeletion, repository: string): Promise<void> {
  try {
    await source.stat(manifestsPath(repository));
  } catch (error) {
    if (!(error instanceof PathNotFoundError)) throw error;
    await removeEmptyRepository(target, repository, Number.NEGATIVE_INFINITY);
  }
}
