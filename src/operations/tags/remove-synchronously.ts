import { messageOf } from "../../lib/message-of.ts";
import { type Digest, isDigest } from "../../oci/digest.ts";
import {
  tagCurrentLinkPath,
  tagHistoryLinkPath,
  tagIndexPath,
  tagPath,
  tagsPath,
} from "../../registry/paths.ts";
import { keepTagHistory } from "../../registry/tag-history.ts";
import { canSettleRemovals, type SmallReads, type SynchronousFolders } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { isPassing } from "./is-passing.ts";
import { movedOutcome } from "./removal-outcomes.ts";
import type { RemovalParts } from "./remove-tags.ts";
import { readTarget } from "./tag-links.ts";
import type { RemovalOutcome, TagTarget } from "./tag-source.ts";

type FolderDriver = StorageDriver & SynchronousFolders & SmallReads;

/**
 * Removes tags on a disk, with nothing between the last look at a link and its removal but two calls of the system.
 *
 * @returns one outcome for each, in their order
 */
export async function removeSynchronously(
  parts: RemovalParts & { driver: FolderDriver },
  tags: readonly TagTarget[],
): Promise<RemovalOutcome[]> {
  const { driver, repository } = parts;
  const outcomes: RemovalOutcome[] = [];
  for (const tag of tags) outcomes.push(await removeCurrentLink(parts, tag));
  parts.settle();
  const staying = new Set([tagsPath(repository)]);
  for (const outcome of outcomes) {
    if (outcome.kind !== "removed" && outcome.kind !== "gone") continue;
    try {
      if (!(await removeRest(driver, repository, outcome.name)))
        staying.add(tagPath(repository, outcome.name));
    } catch (error) {
      staying.add(tagPath(repository, outcome.name));
      outcome.reason = `what is left of it stays: ${messageOf(error)}`;
    }
  }
  if (canSettleRemovals(driver)) await driver.settleRemovals(staying);
  return outcomes;
}

async function removeCurrentLink(
  { driver, repository, watcher }: RemovalParts & { driver: FolderDriver },
  { name, digest }: TagTarget,
): Promise<RemovalOutcome> {
  try {
    const target = await readTarget(driver, repository, name);
    if (target === undefined) {
      const last = newestHistory(driver, repository, name);
      if (last !== undefined) watcher.tagDeleted(name, last);
      return { name, kind: "gone" };
    }
    if (target !== (digest ?? "broken")) return movedOutcome(name, target);
    if (!driver.deleteFileSync(tagCurrentLinkPath(repository, name))) return { name, kind: "gone" };
    watcher.tagDeleted(name, target === "broken" ? "unreadable" : target);
    return { name, kind: "removed" };
  } catch (error) {
    return { name, kind: "failed", reason: messageOf(error), isPassing: isPassing(error) };
  }
}

/** @returns what a tag pointed to last of which a removal that was killed has left nothing but history */
function newestHistory(driver: FolderDriver, repository: string, tag: string): Digest | undefined {
  let newest: { digest: Digest; ms: number } | undefined;
  for (const digest of historyOf(driver, repository, tag)) {
    const ms = driver.statFileSync(tagHistoryLinkPath(repository, tag, digest))?.modifiedMs;
    if (ms !== undefined && (newest === undefined || ms > newest.ms)) newest = { digest, ms };
  }
  return newest?.digest;
}

/** Somebody may have set the tag meanwhile: then it keeps its history. @returns whether the tag's folder is gone */
async function removeRest(driver: FolderDriver, repository: string, tag: string): Promise<boolean> {
  const folder = tagPath(repository, tag);
  if (driver.statFileSync(tagCurrentLinkPath(repository, tag)) !== undefined) return false;
  const index = tagIndexPath(repository, tag);
  let target: Digest | "broken" | undefined;
  try {
    for (const digest of historyOf(driver, repository, tag)) {
      const link = tagHistoryLinkPath(repository, tag, digest);
      driver.deleteFileSync(link);
      driver.removeFolderSync(link.slice(0, link.lastIndexOf("/")));
    }
  } finally {
    target = await readTarget(driver, repository, tag);
    if (target !== undefined && target !== "broken") await keepTagHistory(driver, repository, tag, target);
  }
  if (target !== undefined) return false;
  for (const algorithm of driver.listNamesSync(index) ?? []) driver.removeFolderSync(`${index}/${algorithm}`);
  driver.removeFolderSync(index);
  driver.removeFolderSync(`${folder}/current`);
  return driver.removeFolderSync(folder);
}

function historyOf(driver: FolderDriver, repository: string, tag: string): Digest[] {
  const index = tagIndexPath(repository, tag);
  const digests: Digest[] = [];
  for (const algorithm of driver.listNamesSync(index) ?? []) {
    for (const hex of driver.listNamesSync(`${index}/${algorithm}`) ?? []) {
      const digest = `${algorithm}:${hex}`;
      if (isDigest(digest)) digests.push(digest);
    }
  }
  return digests;
}
