import type { Digest } from "../../oci/digest.ts";
import type { ProtectedImages } from "../tags/protected.ts";

/** So many are told one by one. */
const TOLD = 20;

/**
 * @param images - that were to stay, told already of the tags that there are
 * @param stored - digests of which there is a blob
 * @returns warnings of protected images that are not there, such as a list of all that runs has for other registries
 */
export function unmatchedWarnings(
  images: ProtectedImages | undefined,
  stored: ReadonlySet<Digest>,
): string[] {
  if (images === undefined) return [];
  for (const digest of stored) images.noteDigest(digest);
  const unmatched = images.unmatched();
  const warnings = unmatched.slice(0, TOLD).map((text) => `--protect: nothing in the store is ${text}`);
  const more = unmatched.length - TOLD;
  return more > 0 ? [...warnings, `--protect: nothing in the store is ${more} more of them`] : warnings;
}
