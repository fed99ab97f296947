import type { DigestId, DigestTable } from "./digest-table.ts";
import { EMPTY_RECORD_BYTES, writeRecordHeader, writeReferenceHeader } from "./manifest-record.ts";
import type { KeptManifest } from "./manifest-record-source.ts";
import type { ManifestReferences } from "./manifest-references.ts";

/** Bytes of a reference to a sha512, the longest. */
const MAX_REFERENCE_BYTES = 9 + 64;
const FIRST_CAPACITY = 4096;

/**
 * Packs every manifest that this run has read or recalled, for the next run.
 *
 * @returns manifests whose bytes are overwritten by the next one
 */
export function* keptManifests(table: DigestTable, references: ManifestReferences): Generator<KeptManifest> {
  const packer = new Packer(table, references);
  for (const id of table.ids()) if (references.state(id) === "read") yield packer.pack(id);
}

class Packer {
  readonly #table: DigestTable;
  readonly #references: ManifestReferences;
  readonly #digest = new Uint8Array(64);
  #record = new Uint8Array(FIRST_CAPACITY);

  constructor(table: DigestTable, references: ManifestReferences) {
    this.#table = table;
    this.#references = references;
  }

  pack(id: DigestId): KeptManifest {
    const references = this.#references;
    const blobs = [...references.blobs(id)];
    const children = [...references.childManifests(id)];
    const subject = references.subject(id);
    const maxBytes = EMPTY_RECORD_BYTES + (blobs.length + children.length + 1) * MAX_REFERENCE_BYTES;
    if (this.#record.length < maxBytes) this.#record = new Uint8Array(2 * maxBytes);
    let at = writeRecordHeader(this.#record, 0, {
      sizeBytes: references.describedSize(id) ?? 0,
      blobCount: blobs.length,
      childCount: children.length,
      hasSubject: subject !== undefined,
    });
    if (subject !== undefined) at = this.#reference(subject, at);
    for (const blob of blobs) at = this.#reference(blob, at);
    for (const child of children) at = this.#reference(child, at);
    return {
      algorithm: this.#algorithm(id),
      digest: this.#digest.subarray(0, this.#table.writeDigest(id, this.#digest, 0)),
      record: this.#record.subarray(0, at),
    };
  }

  #reference(id: DigestId, offset: number): number {
    const sizeBytes = this.#references.describedSize(id) ?? -1;
    const at = writeReferenceHeader(this.#record, offset, this.#algorithm(id), sizeBytes);
    return this.#table.writeDigest(id, this.#record, at);
  }

  #algorithm(id: DigestId): 0 | 1 {
    return this.#table.algorithmOf(id) === "sha512" ? 1 : 0;
  }
}
