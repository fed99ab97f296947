import type { DigestId } from "../graph/digest-table.ts";
import type { ManifestReferences } from "../graph/manifest-references.ts";

/** What must stay because a link to it stays although it was planned to go. */
export class RetainedLinks {
  readonly #references: ManifestReferences;
  /** By repository: digests of which a link stays, and all that these refer to. */
  readonly #byRepository = new Map<string, Set<DigestId>>();
  readonly #blobs = new Set<DigestId>();

  constructor(references: ManifestReferences) {
    this.#references = references;
  }

  /**
   * A link to a digest stays: so must its blob and, if it is a manifest, everything that this refers to, with the
   * revision links of the repository to it.
   */
  add(repository: string, id: DigestId): void {
    const retained = this.#byRepository.get(repository) ?? new Set();
    this.#byRepository.set(repository, retained);
    const pending = [id];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (retained.has(next)) continue;
      retained.add(next);
      this.#blobs.add(next);
      for (const blob of this.#references.blobs(next)) pending.push(blob);
      for (const child of this.#references.childManifests(next)) pending.push(child);
    }
  }

  /** The bytes of a blob stay, whatever becomes of the links to it. */
  addBlob(id: DigestId): void {
    this.#blobs.add(id);
  }

  /** Tells whether a link of a repository must stay. */
  has(repository: string, id: DigestId): boolean {
    return this.#byRepository.get(repository)?.has(id) === true;
  }

  /** Tells whether anything of a repository stays that was planned to go. */
  hasAny(repository: string): boolean {
    return this.#byRepository.has(repository);
  }

  /** Tells whether a blob must stay. */
  hasBlob(id: DigestId): boolean {
    return this.#blobs.has(id);
  }
}
