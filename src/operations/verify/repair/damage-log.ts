import type { Digest } from "../../../oci/digest.ts";
import type { Damage } from "../damage.ts";

/** So many things are kept of one look at a store; another look finds the rest. */
const KEPT = 200_000;
/** In so many repositories another registry is asked for a blob. */
const REPOSITORIES_KEPT = 5;

/** What is wrong with the bytes of a blob or manifest, wherever that shows. */
export interface BlobDamage {
  digest: Digest;
  isManifest: boolean;
  isStored: boolean;
  sizeBytes: number | undefined;
  repositories: string[];
}

/** Keeps what a verification has found wrong, each blob once. */
export class DamageLog {
  readonly blobs = new Map<Digest, BlobDamage>();
  readonly others: Exclude<Damage, { kind: "blob" | "missing-blob" }>[] = [];
  /** Repositories of which not all manifests can be read, so that nobody knows what they need. */
  readonly doubtful = new Set<string>();
  #isFull = false;

  /** There was more than is kept. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Takes note of something. */
  add(damage: Damage): void {
    switch (damage.kind) {
      case "manifest":
        this.doubtful.add(damage.repository);
        this.#addBlob(damage, { isManifest: true, isStored: damage.isStored, sizeBytes: undefined });
        return;
      case "missing-blob":
        this.#addBlob(damage, { isManifest: false, isStored: false, sizeBytes: damage.sizeBytes });
        return;
      case "blob":
        this.#addBlob(damage, { isManifest: false, isStored: true, sizeBytes: damage.sizeBytes });
        return;
      case "missing-revision-link":
        this.doubtful.add(damage.repository);
        if (!damage.isStored) {
          this.#addBlob(damage, { isManifest: true, isStored: false, sizeBytes: undefined });
        }
        break;
      case "missing-layer-link":
        if (!damage.isStored) {
          this.#addBlob(damage, { isManifest: false, isStored: false, sizeBytes: damage.sizeBytes });
        }
        break;
    }
    if (this.others.length >= KEPT) this.#isFull = true;
    else this.others.push(damage);
  }

  #addBlob(
    { digest, repository }: { digest: Digest; repository: string },
    more: Pick<BlobDamage, "isManifest" | "isStored" | "sizeBytes">,
  ): void {
    const known = this.blobs.get(digest);
    if (known === undefined) {
      if (this.blobs.size >= KEPT) this.#isFull = true;
      else this.blobs.set(digest, { digest, ...more, repositories: [repository] });
      return;
    }
    known.isManifest ||= more.isManifest;
    known.sizeBytes ??= more.sizeBytes;
    const { repositories } = known;
    if (repositories.length < REPOSITORIES_KEPT && !repositories.includes(repository)) {
      repositories.push(repository);
    }
  }
}
