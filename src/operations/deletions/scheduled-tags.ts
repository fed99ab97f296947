import { isDigest } from "../../oci/digest.ts";
import type { Deletions } from "../../state/deletions.ts";
import type { TagTarget } from "../tags/tag-source.ts";

/**
 * The tags of a repository whose deletion has failed before and that somebody has set back to delete_scheduled: for the next
 * command that deletes tags there, which removes those that still point to what they pointed to then. What
 * `removeWithRetries` finds gone or moved is forgotten.
 *
 * @returns by name, with the digests that were recorded
 */
export function scheduledTags(deletions: Deletions, repository: string): TagTarget[] {
  return deletions.scheduledTags(repository).map(({ name, digest }) => ({
    name,
    digest: digest !== undefined && isDigest(digest) ? digest : undefined,
  }));
}
