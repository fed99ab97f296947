import type { Digest } from "../../oci/digest.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { DigestSet } from "../graph/digest-set.ts";
import type { DigestId, DigestTable } from "../graph/digest-table.ts";
import type { ManifestReferences } from "../graph/manifest-references.ts";

/** Digests that stay in a collection, whatever needs them. */
export class ProtectedDigests {
  readonly ids: ReadonlySet<DigestId>;
  readonly #table: DigestTable;
  /** Those that some repository has, with all that they need. */
  readonly #linked = new Set<DigestId>();
  readonly #stored = new Set<Digest>();

  constructor(table: DigestTable, digests: ReadonlySet<Digest>) {
    this.#table = table;
    this.ids = new Set([...digests].map((digest) => table.intern(digest)));
  }

  /** Of these there is a blob. */
  get stored(): ReadonlySet<Digest> {
    return this.#stored;
  }

  /** To be told of what each repository needs. */
  noteNeeded(needed: DigestSet): void {
    for (const id of this.ids) if (needed.has(id)) this.#linked.add(id);
  }

  /** To be told of each blob. */
  noteBlob(id: DigestId): void {
    if (this.ids.has(id)) this.#stored.add(this.#table.digestOf(id));
  }

  /**
   * Finds the blobs that no repository needs and that stay all the same: what is protected and, where that is a manifest to which no
   * link leads any more, what it needs.
   */
  async unlinkedClosure(
    driver: StorageDriver,
    references: ManifestReferences,
  ): Promise<ReadonlySet<DigestId>> {
    const found = new Set<DigestId>(this.ids);
    for (const id of this.#linked) found.delete(id);
    // A set gives what is added to it while it is gone through.
    for (const id of found) {
      await references.load(driver, id);
      for (const blob of references.blobs(id)) found.add(blob);
      for (const child of references.childManifests(id)) found.add(child);
    }
    return found;
  }
}
