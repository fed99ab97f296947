import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { messageOf } from "../../lib/message-of.ts";
import { tagPath } from "../../registry/paths.ts";
import { usualConcurrency } from "../../registry/remote-store.ts";
import { deleteIfThere } from "../../registry/small-file.ts";
import { canDeleteMany } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { isPassing } from "./is-passing.ts";
import { movedOutcome } from "./removal-outcomes.ts";
import type { RemovalParts } from "./remove-tags.ts";
import { listAllTagFiles, listTagFiles, readTarget, surelyPointsTo, type TagFiles } from "./tag-links.ts";
import type { RemovalOutcome, TagTarget } from "./tag-source.ts";

/** Up to so many tags are listed one by one: all tags of a repository are listed by a request for some five hundred. */
const TAGS_LISTED_SINGLY = 32;

/**
 * Lists tags that are to be removed.
 *
 * @throws {StorageUnavailableError} if they cannot be listed
 */
export async function listForRemoval(
  { driver, repository }: Pick<RemovalParts, "driver" | "repository">,
  tags: readonly TagTarget[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, TagFiles>> {
  if (tags.length > TAGS_LISTED_SINGLY) return listAllTagFiles(driver, repository, signal, true);
  const listing = new Map<string, TagFiles>();
  await forEachConcurrently(tags, usualConcurrency(driver), async ({ name }) => {
    const found = await listTagFiles(driver, tagPath(repository, name), signal);
    for (const [tag, files] of found) listing.set(tag, files);
  });
  return listing;
}

/**
 * Removes tags where each look at a file is a request: whether they still point to what was planned is seen from the listing,
 * as far as that tells, and what goes, goes by bulk deletes.
 *
 * @returns one outcome for each, in their order
 */
export async function removeByListing(
  parts: RemovalParts & { listing: ReadonlyMap<string, TagFiles> },
  tags: readonly TagTarget[],
): Promise<RemovalOutcome[]> {
  const { driver, listing, watcher } = parts;
  const outcomes = new Map<string, RemovalOutcome>();
  const settle = (outcome: RemovalOutcome): void => void outcomes.set(outcome.name, outcome);
  const going = new Map<string, TagTarget>();
  await forEachConcurrently(tags, usualConcurrency(driver), async (tag) => {
    const outcome = await lookAt(parts, tag);
    if (outcome !== undefined) settle(outcome);
    else going.set(listing.get(tag.name)?.current?.path ?? "", tag);
  });
  const failures = await deleteAll(driver, [...going.keys()]);
  for (const [path, { name, digest }] of going) {
    const failure = failures.get(path);
    if (failure !== undefined) settle(failedOutcome(name, failure.error));
    else {
      watcher.tagDeleted(name, digest ?? "unreadable");
      settle({ name, kind: "removed" });
    }
  }
  parts.settle();
  await removeHistory(parts, outcomes);
  return tags.flatMap(({ name }) => outcomes.get(name) ?? []);
}

/** @returns what settles a tag whose link need not be removed; undefined: it is to be */
async function lookAt(
  { driver, repository, watcher, listing }: RemovalParts & { listing: ReadonlyMap<string, TagFiles> },
  { name, digest }: TagTarget,
): Promise<RemovalOutcome | undefined> {
  const files = listing.get(name);
  if (files?.current === undefined) {
    const [last] = [...(files?.history ?? [])].sort((a, b) => (b.modifiedMs ?? 0) - (a.modifiedMs ?? 0));
    if (last !== undefined) watcher.tagDeleted(name, last.digest);
    return { name, kind: "gone" };
  }
  if (digest !== undefined && surelyPointsTo(files, digest)) return undefined;
  try {
    const target = await readTarget(driver, repository, name);
    if (target === undefined) return { name, kind: "gone" };
    return target === (digest ?? "broken") ? undefined : movedOutcome(name, target);
  } catch (error) {
    return failedOutcome(name, error);
  }
}

async function removeHistory(
  { driver, listing }: RemovalParts & { listing: ReadonlyMap<string, TagFiles> },
  outcomes: ReadonlyMap<string, RemovalOutcome>,
): Promise<void> {
  const tagOf = new Map<string, RemovalOutcome>();
  for (const outcome of outcomes.values()) {
    if (outcome.kind !== "removed" && outcome.kind !== "gone") continue;
    for (const { path } of listing.get(outcome.name)?.history ?? []) tagOf.set(path, outcome);
  }
  for (const [path, { error }] of await deleteAll(driver, [...tagOf.keys()])) {
    const outcome = tagOf.get(path);
    if (outcome !== undefined) outcome.reason = `what is left of it stays: ${messageOf(error)}`;
  }
}

/** @returns what has not certainly been removed, and why; with requests that got no answer, which the store may still carry out */
async function deleteAll(
  driver: StorageDriver,
  paths: readonly string[],
): Promise<Map<string, { error: unknown }>> {
  const failures = new Map<string, { error: unknown }>();
  if (canDeleteMany(driver)) {
    if (paths.length === 0) return failures;
    for (const { path, error } of await driver.deleteMany(paths)) failures.set(path, { error });
    return failures;
  }
  await forEachConcurrently(paths, usualConcurrency(driver), async (path) => {
    try {
      await deleteIfThere(driver, path);
    } catch (error) {
      failures.set(path, { error });
    }
  });
  return failures;
}

function failedOutcome(name: string, error: unknown): RemovalOutcome {
  return { name, kind: "failed", reason: messageOf(error), isPassing: isPassing(error) };
}
