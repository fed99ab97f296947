import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import type { Digest } from "../../oci/digest.ts";
import { writeLink } from "../../registry/link.ts";
import {
  layerLinkPath,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagHistoryLinkPath,
} from "../../registry/paths.ts";
import { canSetTimes } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { RepositoryPlan } from "./plan-repository.ts";
import type { SnapshotTag } from "./snapshot-records.ts";

/** What {@link restoreLinks} writes with. */
export interface LinkWriting {
  target: StorageDriver;
  concurrency: number;
  /** Where the target cannot keep the time that a file had, it is noted here. */
  times: { note(path: string, modifiedMs: number): void } | undefined;
}

/**
 * Writes the links of a repository whose blobs are there: layers, then manifests with entries of an index before it, then tags;
 * so that whoever reads meanwhile finds nothing that leads nowhere.
 *
 * @param tags - those of the plan that are to be written
 * @returns how many links were written
 */
export async function restoreLinks(
  name: string,
  plan: RepositoryPlan,
  tags: readonly SnapshotTag[],
  writing: LinkWriting,
): Promise<number> {
  let written = 0;
  const write = async (path: string, digest: Digest, modifiedMs: number): Promise<void> => {
    await writeLink(writing.target, path, digest);
    written++;
    if (modifiedMs === 0) return;
    if (canSetTimes(writing.target)) await writing.target.setModified(path, modifiedMs);
    else writing.times?.note(path, modifiedMs);
  };
  await forEachConcurrently(plan.layerLinks, writing.concurrency, ({ digest, storedAs, modifiedMs }) =>
    write(layerLinkPath(name, digest), storedAs, modifiedMs),
  );
  for (const level of levelsOf(plan)) {
    await forEachConcurrently(level, writing.concurrency, ({ digest, modifiedMs }) =>
      write(revisionLinkPath(name, digest), digest, modifiedMs),
    );
  }
  await forEachConcurrently(tags, writing.concurrency, async (tag) => {
    for (const earlier of tag.history) {
      if (!plan.complete.has(earlier.digest)) continue;
      await write(tagHistoryLinkPath(name, tag.name, earlier.digest), earlier.digest, earlier.modifiedMs);
    }
    await write(tagHistoryLinkPath(name, tag.name, tag.digest), tag.digest, tag.modifiedMs);
    await write(tagCurrentLinkPath(name, tag.name), tag.digest, tag.modifiedMs);
  });
  return written;
}

/** Manifests that list none of the others, then those that list these, and so on. */
function levelsOf({ revisionLinks }: RepositoryPlan): RepositoryPlan["revisionLinks"][] {
  const levels: RepositoryPlan["revisionLinks"][] = [];
  for (const link of revisionLinks) {
    const level = levels[link.depth] ?? [];
    level.push(link);
    levels[link.depth] = level;
  }
  return levels.filter((level) => level !== undefined);
}
