import {
  CancelledError,
  PathNotFoundError,
  RegistryStateError,
  StorageUnavailableError,
} from "../../errors.ts";
import { countOf } from "../../lib/count-of.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { ScanFailure } from "../../storage/abilities.ts";
import type { FileInfo, StorageDriver } from "../../storage/driver.ts";
import { BLOBS_ROOT, REPOSITORIES_ROOT, ROOT } from "../paths.ts";
import { CopyChoice } from "./choose-copies.ts";
import { deleteExtra } from "./delete-extra.ts";
import { LowWater } from "./low-water.ts";
import { type ComparedSide, mergeScans } from "./merge-scans.ts";
import { addFailure } from "./sync-counts.ts";
import type { SyncOptions } from "./sync-options.ts";
import type { SyncResult } from "./sync-result.ts";
import { SyncSession } from "./sync-session.ts";

/** So many damaged blobs are named. */
const MAX_NAMED = 1000;

/**
 * Makes the target hold what the source holds, without unfinished uploads: first all blobs, then repository by repository
 * the links of layers and manifests, then its tags. So at every moment what the target names is there. What only the
 * target has is removed at the end, in the reverse order, if that is asked for and nothing has failed.
 *
 * Files are the same if they have one size; tag links, and files that the layout does not know, also by content. Blobs are
 * hashed on their way (see {@link copyBlob} where they are not): a damaged one is not copied, nor are links to it. A file
 * that cannot be copied is named in the result, and nothing that names it is copied; the others are.
 *
 * While clients push, {@link SyncOptions.asOfMs} leaves what is younger to the next run. Tags of which the target has an
 * older content then hold back all removals, as they may need what would go.
 *
 * @throws {CancelledError} when `signal` is aborted; the position has been told before
 * @throws {StorageFullError} if the target has no room left
 * @throws {StorageUnavailableError} if the target cannot be listed, or nothing can be copied any more
 * @throws {RegistryStateError} if what a later run has to know cannot be kept in the spool folder
 */
export async function syncStores(
  source: StorageDriver,
  target: StorageDriver,
  options: SyncOptions,
): Promise<SyncResult> {
  try {
    return await copyAndRemove(source, target, options);
  } catch (cause) {
    // Stores have errors of their own: this one is of a file of this host.
    if (!(cause instanceof Error && "syscall" in cause)) throw cause;
    throw new RegistryStateError(
      `what the copy has to remember cannot be kept in ${options.spoolFolder}: ${messageOf(cause)}`,
      { hint: "make room there; the same command goes on then", cause },
    );
  }
}

async function copyAndRemove(
  source: StorageDriver,
  target: StorageDriver,
  options: SyncOptions,
): Promise<SyncResult> {
  const beganMs = performance.now();
  if (options.signal.aborted) throw new CancelledError();
  const session = await SyncSession.open({ source, target }, options);
  const stop = (): void => void session.queue.stop();
  options.signal.addEventListener("abort", stop, { once: true });
  try {
    const resumed = options.resumeAt?.pass;
    if (session.pass === "blobs") await copyBlobs(session);
    if (session.pass === "repositories") await copyRepositories(session);
    await removeExtra(session, resumed === "deletions" ? (options.resumeAt?.after ?? "") : "");
  } finally {
    options.signal.removeEventListener("abort", stop);
    await session.queue.stop();
    session.tellPosition();
  }
  const { result, held } = session;
  result.damaged = held.damaged.slice(0, MAX_NAMED);
  result.damagedCount = held.damaged.length;
  result.seconds = (performance.now() - beganMs) / 1000;
  return result;
}

async function copyBlobs(session: SyncSession): Promise<void> {
  const { queue, lowWater } = session;
  await copyFolder(session, BLOBS_ROOT, lowWater);
  await queue.drained();
  session.endPass("repositories");
}

async function copyRepositories(session: SyncSession): Promise<void> {
  const { queue, lowWater } = session;
  await copyFolder(session, REPOSITORIES_ROOT, lowWater);
  await queue.drained();
  const rest = new LowWater("");
  await copyRest(session, rest);
  await queue.drained();
  if (!rest.isDone) lowWater.begin(lowWater.lastPath);
  session.endPass("deletions");
}

async function copyFolder(
  session: SyncSession,
  folder: string,
  lowWater: LowWater,
  after = lowWater.position,
): Promise<void> {
  const { source, target, options, queue } = session;
  const choice = new CopyChoice(session, lowWater);
  let failure: ScanFailure | undefined;
  const onFailure = (side: ComparedSide, found: ScanFailure): void => {
    if (side === "source") session.cannotList(found);
    else if (!`${found.path}/`.includes("/_uploads/")) failure ??= found;
  };
  const batches = mergeScans(source, target, folder, { after, onFailure, signal: options.signal });
  for await (const batch of batches) {
    if (failure) break;
    for (const compared of batch) {
      const pending = choice.look(compared);
      if (pending instanceof Promise) await pending;
      if (queue.isFull) await queue.room();
    }
    session.tick();
    await session.judgeUnlisted();
  }
  await session.judgeUnlisted();
  if (failure) throw cannotListTarget(failure);
}

function cannotListTarget({ path, error }: ScanFailure): StorageUnavailableError {
  return new StorageUnavailableError(`cannot tell what the target has at ${path}: ${messageOf(error)}`, {
    hint: "mend what is named, and run it again",
    cause: error,
  });
}

/** What stands beside blobs and repositories, which is not much and nothing that the layout knows. */
async function copyRest(session: SyncSession, lowWater: LowWater): Promise<void> {
  const { source, target } = session;
  const ofSource = await childrenOf(source);
  const ofTarget = await childrenOf(target);
  const choice = new CopyChoice(session, lowWater);
  for (const path of new Set([...ofSource.keys(), ...ofTarget.keys()])) {
    if (path === BLOBS_ROOT || path === REPOSITORIES_ROOT) continue;
    const [left, right] = [ofSource.get(path), ofTarget.get(path)];
    if (left?.isFolder || right?.isFolder) await copyFolder(session, path, lowWater, "");
    const [leftFile, rightFile] = [left, right].map((info) => (info?.isFolder ? undefined : info));
    if (leftFile || rightFile) await choice.look({ path, source: leftFile, target: rightFile });
  }
}

async function childrenOf(driver: StorageDriver): Promise<Map<string, FileInfo>> {
  try {
    return new Map((await driver.list(ROOT)).map((info) => [info.path, info]));
  } catch (error) {
    if (error instanceof PathNotFoundError) return new Map();
    throw error;
  }
}

async function removeExtra(session: SyncSession, after: string): Promise<void> {
  const { source, target, options, result, extra } = session;
  if (!options.deleteExtra) return;
  result.deletesHeldBack = whyHeldBack(session);
  if (result.deletesHeldBack !== undefined || extra.planned.files === 0) return;
  if (options.dryRun) {
    result.deleted = { files: extra.planned.files, bytes: extra.planned.bytes };
    return;
  }
  await options.maxDeletes?.({ ...extra.planned });
  await deleteExtra({
    ...{ source, target, extra, after, signal: options.signal },
    isLive: options.asOfMs !== undefined,
    onBatch: (removed, upTo) => {
      result.deleted.files += removed.files;
      result.deleted.bytes += removed.bytes;
      if (upTo !== undefined) session.lowWater.passed(upTo);
      session.tick();
    },
    onFailure: (path, error) => {
      session.lowWater.begin(path);
      addFailure(result, path, error);
    },
  });
}

/** @returns undefined if nothing speaks against removing files */
function whyHeldBack({ result, held, unlisted, options, extra }: SyncSession): string | undefined {
  if (!unlisted.isEmpty) return "a folder of the source could not be listed";
  if (result.failedCount > 0) return `${countOf(result.failedCount, "file")} could not be copied`;
  if (held.damaged.length > 0 && !options.skipDamaged)
    return `${countOf(held.damaged.length, "blob")} of the source ${held.damaged.length === 1 ? "is" : "are"} damaged`;
  if (!extra.isComplete) return "the lists that an earlier run had made of them are gone";
  if (held.staleTags > 0)
    return `${countOf(held.staleTags, "tag")} at the target may still need them, as the source's were changed meanwhile`;
  return undefined;
}
