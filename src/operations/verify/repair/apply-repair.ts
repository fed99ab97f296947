import { CancelledError, PathNotFoundError, RegistryStateError } from "../../../errors.ts";
import { forEachConcurrently } from "../../../lib/for-each-concurrently.ts";
import { messageOf } from "../../../lib/message-of.ts";
import { blobDataPath, parentOf, REPOSITORIES_ROOT } from "../../../registry/paths.ts";
import { fileSizeBytes } from "../../../registry/small-file.ts";
import { canSettleRemovals, hasEmptyFolders } from "../../../storage/abilities.ts";
import type { StorageDriver } from "../../../storage/driver.ts";
import { FileTooLargeError } from "../../../storage/errors.ts";
import { readLinkText } from "../link-texts.ts";
import { TOO_LONG } from "../repository-links.ts";
import type { BlobSource } from "./blob-source.ts";
import { REPAIR_KINDS, type RepairStep } from "./repair-step.ts";
import { isSoundManifest } from "./sound-manifest.ts";

/** So many blobs are fetched at a time. */
const FETCHES_AT_ONCE = 4;

/** What has become of a step. */
export type StepOutcome =
  | { outcome: "done"; bytes?: number }
  /** It was not needed any more. */
  | { outcome: "skipped"; why: string }
  | { outcome: "failed"; error: string };

/** What {@link applyRepair} works with. */
export interface ApplyParts {
  driver: StorageDriver;
  source: BlobSource | undefined;
  concurrency: number;
  signal: AbortSignal;
  /**
   * Called before each step.
   *
   * @throws {RegistryStateError} if nothing may be changed any more
   */
  beforeStep: (step: RepairStep) => Promise<void>;
  onOutcome: (step: RepairStep, outcome: StepOutcome) => void;
}

/**
 * Carries out steps in their order. Before each it is looked whether the store still is as it was planned for; what fails is
 * told, and the rest goes on.
 *
 * @throws {CancelledError} between two steps, when the signal is aborted
 * @throws {RegistryStateError} as soon as `beforeStep` does
 */
export async function applyRepair(steps: readonly RepairStep[], parts: ApplyParts): Promise<void> {
  const emptied = new Set<string>();
  for (const kind of REPAIR_KINDS) {
    const some = steps.filter((step) => step.kind === kind);
    const limit = kind === "fetch-blob" ? FETCHES_AT_ONCE : parts.concurrency;
    await forEachConcurrently(some, limit, async (step) => {
      if (parts.signal.aborted) throw new CancelledError();
      await parts.beforeStep(step);
      const outcome = await outcomeOf(step, parts);
      if (step.kind === "remove-link" && outcome.outcome === "done") emptied.add(parentOf(step.path));
      parts.onOutcome(step, outcome);
    });
  }
  await removeEmptied(parts.driver, emptied);
}

async function outcomeOf(step: RepairStep, parts: ApplyParts): Promise<StepOutcome> {
  try {
    return await apply(step, parts);
  } catch (error) {
    if (error instanceof CancelledError || error instanceof RegistryStateError) throw error;
    return { outcome: "failed", error: messageOf(error) };
  }
}

async function apply(step: RepairStep, parts: ApplyParts): Promise<StepOutcome> {
  const { driver } = parts;
  switch (step.kind) {
    case "fetch-blob":
      return fetchBlob(step, parts);
    case "rewrite-link": {
      if ((await linkText(driver, step.path)) !== step.was) return changed;
      await driver.put(step.path, Buffer.from(step.digest, "latin1"));
      return { outcome: "done" };
    }
    case "restore-link": {
      if ((await linkText(driver, step.path)) !== undefined) return changed;
      // What could not be fetched needs no link that would lead to nothing.
      if ((await fileSizeBytes(driver, blobDataPath(step.digest))) === undefined) {
        return { outcome: "failed", error: `${step.digest} is not stored` };
      }
      if (step.isRevision && !(await isSoundManifest(driver, step.digest))) {
        return { outcome: "failed", error: `${step.digest} is no manifest` };
      }
      await driver.put(step.path, Buffer.from(step.digest, "latin1"));
      return { outcome: "done" };
    }
    case "remove-link": {
      if ((await fileSizeBytes(driver, step.leadsTo)) !== undefined) {
        return { outcome: "skipped", why: "it leads to something by now" };
      }
      return remove(driver, step.path);
    }
  }
}

const changed: StepOutcome = { outcome: "skipped", why: "it was changed meanwhile" };

async function fetchBlob(
  step: Extract<RepairStep, { kind: "fetch-blob" }>,
  { driver, source, signal }: ApplyParts,
): Promise<StepOutcome> {
  if (source === undefined) return { outcome: "failed", error: "there is nothing to fetch it from" };
  if ((await fileSizeBytes(driver, step.path)) !== step.wasBytes) return changed;
  const bytes = await source.copyTo(driver, step.path, step, signal);
  return { outcome: "done", bytes };
}

async function remove(driver: StorageDriver, path: string): Promise<StepOutcome> {
  try {
    await driver.delete(path);
    return { outcome: "done" };
  } catch (error) {
    if (error instanceof PathNotFoundError) return { outcome: "skipped", why: "it has gone by itself" };
    throw error;
  }
}

/** @returns undefined if there is no such link */
async function linkText(driver: StorageDriver, path: string): Promise<string | undefined> {
  const read = await readLinkText(driver, path);
  if (!("error" in read)) return read.text;
  if (read.error instanceof FileTooLargeError) return TOO_LONG;
  throw read.error;
}

/** Removes folders in which nothing is any more, and those above them within the repository. */
async function removeEmptied(driver: StorageDriver, folders: ReadonlySet<string>): Promise<void> {
  if (hasEmptyFolders(driver)) {
    for (const folder of folders) {
      for (let at = folder; isInside(at); at = parentOf(at)) {
        if (!(await driver.removeFolder(at).catch(() => false))) break;
      }
    }
  }
  // Coming back with a power cut they would lead to nothing again, and another run would find them.
  if (canSettleRemovals(driver)) await driver.settleRemovals(folders).catch(() => undefined);
}

/** Below `_layers/sha256` or a tag: folders that every repository has stay. */
function isInside(folder: string): boolean {
  if (!folder.startsWith(`${REPOSITORIES_ROOT}/`)) return false;
  return /\/_layers\/[^/]+\/[^/]+$|\/_manifests\/tags\/.+$/.test(folder);
}
