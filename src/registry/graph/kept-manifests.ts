import type { DigestId, DigestTable } from "./digest-table.ts";
import { writeOwnType, writeRecordHeader, writeReferenceHeader } from "./manifest-record.ts";
import { FIRST_OWN_TYPE, HEADER_BYTES, MAX_OWN_TYPES, REFERENCE_BYTES } from "./manifest-record-layout.ts";
import type { KeptManifest } from "./manifest-record-source.ts";
import type { ManifestReferences } from "./manifest-references.ts";
import { OTHER_TYPE, usualTypeCode } from "./media-type-codes.ts";

/** Bytes of a reference to a sha512, the longest. */
const MAX_REFERENCE_BYTES = REFERENCE_BYTES + 64;
/** Bytes of an own type, at most; a record has no more of them than this. */
const MAX_TYPE_BYTES = 256;
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
  /** Of the record that is being packed. */
  #types: string[] = [];

  constructor(table: DigestTable, references: ManifestReferences) {
    this.#table = table;
    this.#references = references;
  }

  pack(id: DigestId): KeptManifest {
    const references = this.#references;
    const blobs = [...references.blobs(id)];
    const children = [...references.childManifests(id)];
    const subject = references.subject(id);
    this.#types = [];
    const header = {
      sizeBytes: references.describedSize(id) ?? 0,
      layersBytes: references.layersBytes(id),
      blobCount: blobs.length,
      childCount: children.length,
      hasSubject: subject !== undefined,
      isImage: references.isImage(id),
      type: this.#typeCode(id),
    };
    const maxBytes =
      HEADER_BYTES +
      (blobs.length + children.length + 1) * MAX_REFERENCE_BYTES +
      MAX_OWN_TYPES * MAX_TYPE_BYTES;
    if (this.#record.length < maxBytes) this.#record = new Uint8Array(2 * maxBytes);
    let at = writeRecordHeader(this.#record, 0, header, 0);
    if (subject !== undefined) at = this.#reference(subject, at);
    for (const blob of blobs) at = this.#reference(blob, at);
    for (const child of children) at = this.#reference(child, at);
    for (const type of this.#types) at = writeOwnType(this.#record, at, type);
    writeRecordHeader(this.#record, 0, header, this.#types.length);
    return {
      algorithm: this.#algorithm(id),
      digest: this.#digest.subarray(0, this.#table.writeDigest(id, this.#digest, 0)),
      record: this.#record.subarray(0, at),
    };
  }

  #reference(id: DigestId, offset: number): number {
    const sizeBytes = this.#references.describedSize(id) ?? -1;
    const at = writeReferenceHeader(this.#record, offset, this.#algorithm(id), sizeBytes, this.#typeCode(id));
    return this.#table.writeDigest(id, this.#record, at);
  }

  #typeCode(id: DigestId): number {
    const { code, name } = this.#references.mediaType(id);
    if (name === undefined) return code;
    const usual = usualTypeCode(name);
    if (usual !== undefined) return usual;
    let index = this.#types.indexOf(name);
    if (index < 0 && this.#types.length < MAX_OWN_TYPES) index = this.#types.push(name) - 1;
    return index < 0 ? OTHER_TYPE : FIRST_OWN_TYPE + index;
  }

  #algorithm(id: DigestId): 0 | 1 {
    return this.#table.algorithmOf(id) === "sha512" ? 1 : 0;
  }
}
