import { CancelledError, DigestMismatchError } from "../../errors.ts";
import type { Digest } from "../../oci/digest.ts";
import { InvalidManifestError } from "../../oci/manifest.ts";
import type { ChangeWatcher, TagBefore } from "../../registry/change-watcher.ts";
import { ManifestUnknownError } from "../../registry/errors.ts";
import type { StoredManifest } from "../../registry/manifest-cache.ts";
import {
  findMissingReferences,
  incompleteManifest,
  manifestGone,
  tagMoved,
} from "../../registry/missing-references.ts";
import { Registry } from "../../registry/registry.ts";
import type { Repository } from "../../registry/repository.ts";
import { acquireStoreLock, type LockHolder } from "../../state/store-lock.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** A tag, and the manifest that it is to point to. */
export interface WantedTag {
  repository: string;
  tag: string;
  digest: Digest;
}

/** What is to become of a tag. */
export interface PlannedTag extends WantedTag {
  /** What it points to. */
  before: TagBefore;
  /** Of the manifest that it is to point to. */
  mediaType: string;
}

/**
 * Looks whether a tag can point to a manifest, and what it points to. Changes nothing.
 *
 * @throws {RegistryStateError} if the repository does not have the manifest, or something that the manifest needs lacks
 * @throws {CancelledError} when `signal` is aborted
 */
export async function planTag(
  driver: StorageDriver,
  wanted: WantedTag,
  signal?: AbortSignal,
): Promise<PlannedTag> {
  const repository = new Registry(driver).repository(wanted.repository);
  const { mediaType } = await requireComplete(repository, wanted.digest, signal);
  return { ...wanted, before: await repository.tags.pointsTo(wanted.tag), mediaType };
}

/** What {@link setTagInStore} works with. */
export interface SetTagDependencies {
  driver: StorageDriver;
  holder: LockHolder;
  nowMs: () => number;
  /** Is told when the tag has been set. */
  watcher: ChangeWatcher;
  /** Told why no lock was taken, where the work goes on without. */
  onWarning: (text: string) => void;
}

/**
 * Points a tag to a manifest, under the store's lock, so that no collection of ours takes what it needs meanwhile. Not for a
 * store on which a server of ours works: that one is to be asked. All is looked at again under the lock.
 *
 * @throws {RegistryStateError} with nothing changed, if somebody holds the lock, something lacks by now, or the tag points elsewhere
 */
export async function setTagInStore(
  { driver, holder, nowMs, watcher, onWarning }: SetTagDependencies,
  { repository: name, tag, digest, before }: PlannedTag,
  signal?: AbortSignal,
): Promise<void> {
  const lock = await acquireStoreLock(driver, holder, nowMs);
  try {
    if (lock.warning !== undefined) onWarning(`no lock was taken: ${lock.warning}`);
    const repository = new Registry(driver).repository(name, watcher);
    await requireComplete(repository, digest, signal);
    const now = await repository.tags.pointsTo(tag);
    if (now !== before) throw tagMoved(name, tag, now);
    await lock.check();
    if (signal?.aborted) throw new CancelledError("stopped before anything was changed");
    await repository.tags.set(tag, digest);
  } finally {
    await lock.release();
  }
}

async function requireComplete(
  repository: Repository,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<StoredManifest> {
  let stored: StoredManifest;
  try {
    stored = await repository.manifests.get(digest);
  } catch (error) {
    if (error instanceof ManifestUnknownError) throw manifestGone(repository.name, digest);
    if (error instanceof DigestMismatchError || error instanceof InvalidManifestError)
      throw manifestGone(repository.name, digest, error);
    throw error;
  }
  const missing = await findMissingReferences(repository, digest, stored.manifest, signal);
  if (missing.length > 0) throw incompleteManifest(repository.name, digest, missing);
  return stored;
}
