import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { checkRepositoryName } from "../../oci/reference.ts";
import { findTagConflicts, type TagConflict } from "../../registry/move/check-copy.ts";
import {
  hasLinks,
  listRepositoryLinks,
  type RepositoryLinks,
  readRepositoryLinks,
} from "../../registry/move/repository-links.ts";
import { isParked } from "../../registry/parked.ts";
import { usualConcurrency } from "../../registry/remote-store.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { type MovedNames, targetOf } from "./move-request.ts";

/** So many repositories of the target are looked at at a time. */
const REPOSITORIES_AT_ONCE = 8;

/** One repository of a {@link MovePlan}. */
export interface PlannedRepository {
  from: string;
  to: string;
  tags: number;
  manifests: number;
  /** Blobs that it has, those of its manifests included. */
  blobs: number;
  /** What its tags pointed to earlier, and point to now. */
  historyLinks: number;
  /** Uploads that were not finished. */
  uploads: number;
  /** There are tags or manifests under the new name already. */
  exists: boolean;
}

/** What a move would do. */
export interface MovePlan {
  /** By name. */
  repositories: PlannedRepository[];
  /** Unfinished uploads of all, also of repositories that have nothing else. */
  uploads: number;
  conflicts: TagConflict[];
  /** The first few files that the layout does not have, and how many there are. */
  strays: { first: string[]; count: number };
}

const STRAYS_TOLD = 5;

/**
 * Finds what is to be moved, and what is in its way. Changes nothing.
 *
 * @throws {InvalidReferenceError} if a repository below the old name would get one that is none
 * @throws {StorageUnavailableError} if something cannot be listed
 */
export async function planMove(
  driver: StorageDriver,
  names: MovedNames,
  options: { isProject: boolean; signal?: AbortSignal | undefined },
): Promise<MovePlan> {
  const plan: MovePlan = { repositories: [], uploads: 0, conflicts: [], strays: { first: [], count: 0 } };
  const present: RepositoryLinks[] = [];
  for await (const found of listRepositoryLinks(driver, names.from, options)) {
    plan.uploads += found.uploads.size;
    if (!hasLinks(found)) continue;
    plan.strays.count += found.strays.length;
    plan.strays.first.push(...found.strays.slice(0, STRAYS_TOLD - plan.strays.first.length));
    const to = targetOf(found.name, names);
    if (!isParked(to)) checkRepositoryName(to);
    plan.repositories.push({ ...countsOf(found), from: found.name, to, exists: false });
    present.push(tagsOnly(found));
  }
  const looks = plan.repositories.map((repository, index) => ({ repository, links: present[index] }));
  await forEachConcurrently(looks, REPOSITORIES_AT_ONCE, async ({ repository, links }) => {
    const target = await readRepositoryLinks(driver, repository.to, options.signal);
    repository.exists = target.links.tags.length > 0 || target.links.revisions.length > 0;
    if (links === undefined || target.links.tags.length === 0) return;
    plan.conflicts.push(...(await findTagConflicts(driver, links, target, usualConcurrency(driver))));
  });
  return plan;
}

function countsOf({ links, uploads }: RepositoryLinks): Omit<PlannedRepository, "from" | "to" | "exists"> {
  const isRevision = /^_manifests\/revisions\/[^/]+\/[^/]+\/link$/;
  return {
    tags: links.tags.length,
    manifests: links.revisions.filter(({ below }) => isRevision.test(below)).length,
    blobs: links.layers.length,
    historyLinks: links.history.length,
    uploads: uploads.size,
  };
}

/** The rest of many repositories need not be in memory together. */
function tagsOnly(found: RepositoryLinks): RepositoryLinks {
  return { ...found, links: { layers: [], revisions: [], history: [], tags: found.links.tags } };
}
