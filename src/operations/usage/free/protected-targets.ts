import type { DigestId } from "../../../registry/graph/digest-table.ts";
import type { ProtectedImages } from "../../tags/protected.ts";
import type { UsageModel } from "../usage-model.ts";

/**
 * Makes what tells whether a tag stays for the sake of protected images, as `protectTags` tells when tags are deleted: its name or
 * what it points to is protected, or it points to an index of what is, at any depth. A manifest that is not there or cannot be
 * read keeps its tags, if any digests are protected.
 *
 * @param images - undefined: nothing is protected
 */
export function protectionOf(
  { table, references }: Pick<UsageModel, "table" | "references">,
  images: ProtectedImages | undefined,
): (repository: string, tag: string, target: DigestId) => boolean {
  if (images === undefined) return () => false;
  const known = new Map<DigestId, boolean>();
  const isProtectedIndex = (root: DigestId): boolean => {
    const indexes = new Set<DigestId>([root]);
    // A set gives what is added to it while it is gone through.
    for (const index of indexes) {
      if (index === root && references.state(index) !== "read") return true;
      for (const child of references.childManifests(index)) {
        if (images.digests.has(table.digestOf(child))) return true;
        indexes.add(child);
      }
    }
    return false;
  };
  return (repository, tag, target) => {
    if (images.protects(repository, tag, table.digestOf(target))) return true;
    if (images.digests.size === 0) return false;
    const isProtected = known.get(target) ?? isProtectedIndex(target);
    known.set(target, isProtected);
    return isProtected;
  };
}
