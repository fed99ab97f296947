import { setImmediate } from "node:timers/promises";
import { CancelledError } from "../../errors.ts";
import type { ChangeWatcher } from "../../registry/change-watcher.ts";
import { hasSynchronousFolders } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { listForRemoval, removeByListing } from "./remove-by-listing.ts";
import { removeSynchronously } from "./remove-synchronously.ts";
import type { RemovalOptions, RemovalOutcome, TagTarget } from "./tag-source.ts";

/** What a removal works with. */
export interface RemovalParts {
  driver: StorageDriver;
  repository: string;
  /** Told of each tag as soon as it is gone. */
  watcher: ChangeWatcher;
  /** Waits until what the watcher was told of is on the disk. */
  settle: () => void;
}

/** Tags of which the current links go before the history of any: what was told of them is on the disk in between. */
const TAGS_TOGETHER = 1000;

/**
 * Removes tags: first the link that says what a tag points to, so that it is gone at once, and then its history. A crash in
 * between leaves history without a tag, which does no harm and goes when the tag is removed once more. The digest that the tag had
 * is written down before its history goes.
 *
 * Manifests and other tags are not touched, so that it is safe beside a server that takes writes, and beside a collection: what a
 * collection takes for needed by a tag that is gone stays until the next one.
 *
 * @throws {CancelledError} between two batches, when the signal is aborted
 */
export async function removeTags(
  parts: RemovalParts,
  tags: readonly TagTarget[],
  { signal, onOutcome }: RemovalOptions,
): Promise<void> {
  const { driver } = parts;
  const remove = hasSynchronousFolders(driver)
    ? (batch: readonly TagTarget[]) => removeSynchronously({ ...parts, driver }, batch)
    : await removerByListing(parts, tags, signal);
  for (let start = 0; start < tags.length; start += TAGS_TOGETHER) {
    if (signal?.aborted) throw new CancelledError();
    for (const outcome of await remove(tags.slice(start, start + TAGS_TOGETHER))) onOutcome(outcome);
    await setImmediate();
  }
}

async function removerByListing(
  parts: RemovalParts,
  tags: readonly TagTarget[],
  signal: AbortSignal | undefined,
): Promise<(batch: readonly TagTarget[]) => Promise<RemovalOutcome[]>> {
  const listing = await listForRemoval(parts, tags, signal);
  return (batch) => removeByListing({ ...parts, listing }, batch);
}
