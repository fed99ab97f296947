import type { DigestId } from "../../registry/graph/digest-table.ts";
import { type ManifestContents, REFERENCE } from "./manifest-contents.ts";

/** Finds the tags of one repository that cannot be pulled whole, with their platforms and referrers, without a manifest. */
export class BrokenTags {
  readonly #tagsOf = new Map<DigestId, string[]>();
  /** The indexes that list a manifest, and the manifest that it is attached to. */
  readonly #above = new Map<DigestId, DigestId[]>();

  constructor(
    manifests: ManifestContents,
    revisions: Iterable<DigestId>,
    tagTargets: ReadonlyMap<string, DigestId>,
  ) {
    for (const [tag, id] of tagTargets) append(this.#tagsOf, id, tag);
    for (const id of revisions) {
      manifests.forEachReference(id, (reference, kind) => {
        if (kind === REFERENCE.child || kind === REFERENCE.entry) append(this.#above, reference, id);
        if (kind === REFERENCE.subject) append(this.#above, id, reference);
      });
    }
  }

  /** @returns the tags that lead to any of the manifests, each once */
  leadingTo(manifests: Iterable<DigestId>): Set<string> {
    const tags = new Set<string>();
    const seen = new Set(manifests);
    // Grows while it is gone through.
    for (const id of seen) {
      for (const tag of this.#tagsOf.get(id) ?? []) tags.add(tag);
      for (const above of this.#above.get(id) ?? []) seen.add(above);
    }
    return tags;
  }
}

function append<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}
