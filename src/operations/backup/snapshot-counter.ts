import { DigestTable } from "../../registry/graph/digest-table.ts";
import type { SnapshotCounts, SnapshotRepository } from "./snapshot-records.ts";

/** Counts what is in a snapshot, each blob once. */
export class SnapshotCounter {
  readonly #isMetadataOnly: boolean;
  readonly #blobs = new DigestTable();
  readonly #counts: SnapshotCounts = { repositories: 0, tags: 0, manifests: 0, blobs: 0, bytes: 0 };

  constructor(isMetadataOnly: boolean) {
    this.#isMetadataOnly = isMetadataOnly;
  }

  get counts(): SnapshotCounts {
    return { ...this.#counts, blobs: this.#blobs.size };
  }

  add({ tags, manifests, layers }: SnapshotRepository): void {
    const counts = this.#counts;
    counts.repositories++;
    counts.tags += tags.length;
    counts.manifests += manifests.length;
    const stored = layers.map(({ storedAs: digest, sizeBytes }) => ({ digest, sizeBytes }));
    for (const { digest, sizeBytes } of [...manifests, ...(this.#isMetadataOnly ? [] : stored)]) {
      const before = this.#blobs.size;
      this.#blobs.intern(digest);
      if (this.#blobs.size > before) counts.bytes += sizeBytes;
    }
  }
}
