import { isDigest } from "../../oci/digest.ts";
import type { DeletionRecord } from "../../state/deletion-record.ts";
import type { Deletions } from "../../state/deletions.ts";
import { namesByDigest } from "../tags/names-by-digest.ts";
import { movedOutcome } from "../tags/removal-outcomes.ts";
import type { RemovalOutcome, TagSource, TagTarget } from "../tags/tag-source.ts";

/** Tags that are to be deleted once more, as they are now. */
export interface ScheduledTags {
  /** Those that still point to what was recorded, by name, with how many other tags are on that digest. */
  present: (TagTarget & { others: string[] })[];
  /** Those that are gone, or that somebody has set since: nobody is to delete them any more. */
  outdated: RemovalOutcome[];
}

/**
 * The tags of a repository whose deletion has failed before and that somebody has set back to delete_scheduled: for the next
 * command that deletes tags there.
 *
 * @param besides - what is decided anyway: a tag of it is not given again
 * @returns by name, with the digests that were recorded
 */
export function scheduledTags(
  deletions: Deletions | undefined,
  repository: string,
  besides: readonly { name: string }[] = [],
): TagTarget[] {
  const others = new Set(besides.map(({ name }) => name));
  const scheduled = deletions?.scheduledTags(repository).filter(({ name }) => !others.has(name)) ?? [];
  return scheduled.map(recordedTarget);
}

/** @returns the tag of a record, with what it pointed to when it was to go */
export function recordedTarget({ name, digest }: DeletionRecord): TagTarget {
  return { name, digest: digest !== undefined && isDigest(digest) ? digest : undefined };
}

/** Looks where scheduled tags point now. Reads nothing if there are none. */
export async function lookAtScheduled(
  source: TagSource,
  repository: string,
  scheduled: readonly TagTarget[],
  signal: AbortSignal | undefined,
): Promise<ScheduledTags> {
  const now: ScheduledTags = { present: [], outdated: [] };
  if (scheduled.length === 0) return now;
  const tags = await source.tags(repository, signal);
  const targets = new Map(tags.map(({ name, digest }) => [name, digest]));
  const tagsOf = namesByDigest(tags);
  for (const { name, digest } of scheduled) {
    const target = targets.get(name);
    if (!targets.has(name)) now.outdated.push({ name, kind: "gone" });
    else if (target !== digest) now.outdated.push(movedOutcome(name, target ?? "broken"));
    else {
      const names = digest === undefined ? [] : (tagsOf.get(digest) ?? []);
      now.present.push({ name, digest, others: names.filter((each) => each !== name) });
    }
  }
  return now;
}

/** Forgets scheduled tags that nobody is to delete any more, with what removals that were killed have left of those that are gone. */
export async function forgetOutdated(
  { source, deletions }: { source: TagSource; deletions: Deletions | undefined },
  repository: string,
  outdated: readonly RemovalOutcome[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const gone = outdated.filter(({ kind }) => kind === "gone").map(({ name }) => name);
  if (gone.length > 0) await source.sweepLeftovers?.(repository, gone, signal);
  await deletions?.forget(outdated.map(({ name }) => ({ repository, name })));
}
