import { isDigest } from "../../oci/digest.ts";
import type { DeletionRecord } from "../../state/deletion-record.ts";
import type { Deletions } from "../../state/deletions.ts";
import type { TagTarget } from "../tags/tag-source.ts";

/**
 * The tags of a repository whose deletion has failed before and that somebody has set back to delete_scheduled: for the next
 * command that deletes tags there, which removes those that still point to what they pointed to then. What
 * `removeWithRetries` finds gone or moved is forgotten.
 *
 * @param besides - what is to be deleted anyway: a tag of it is not given again
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
