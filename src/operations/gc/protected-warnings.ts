import type { Digest } from "../../oci/digest.ts";
import { missingWarnings, type ProtectedImages } from "../tags/protected.ts";

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
  return missingWarnings(images.unmatched(), "the store");
}
