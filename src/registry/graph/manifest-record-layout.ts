import { OTHER_TYPE } from "./media-type-codes.ts";

/** Version of the manifest parser and of the record; what was kept under another one is void. */
export const MANIFEST_RECORD_VERSION = 2;

/** A digest's algorithm in a record: 0 is sha256, 1 is sha512. */
export type AlgorithmCode = 0 | 1;

const SHA256_BYTES = 32;
const SHA512_BYTES = 64;
/**
 * Own size (8), sum of the layers' sizes (8), number of blobs (4), number of child manifests (4), flags (1), type (1),
 * number of own types (1). The references follow: subject, blobs, children; then the own types, each as its length (1) and
 * its name.
 */
export const HEADER_BYTES = 27;
/** Offset of the sum of the layers' sizes. */
export const LAYERS_AT = 8;
/** Offset of the number of blobs. */
export const BLOB_COUNT_AT = 16;
/** Offset of the number of child manifests. */
export const CHILD_COUNT_AT = 20;
/** Offset of the flags. */
export const FLAGS_AT = 24;
/** Offset of the code of the manifest's own type. */
export const TYPE_AT = 25;
/** Offset of the number of own types. */
export const OWN_TYPES_AT = 26;
/** The flag of a manifest with a subject. */
export const HAS_SUBJECT = 1;
/** The flag of an image. */
export const IS_IMAGE = 2;
/** Algorithm (1), type (1), size (8); the digest follows. */
export const REFERENCE_BYTES = 10;
/** Offset of the size in a reference. */
export const SIZE_IN_REFERENCE = 2;
/** A type from here on is the first, second, ... of the record's own types. */
export const FIRST_OWN_TYPE = 200;
/** So many own types a record has, at the most. */
export const MAX_OWN_TYPES = OTHER_TYPE - FIRST_OWN_TYPE;
/** What a record says of the manifest itself. */
export interface ManifestRecordHeader {
  /** Of the manifest's own bytes. */
  sizeBytes: number;
  /** Sum of the layers' sizes as an image gives them, with repetitions; 0 for anything but an image. */
  layersBytes: number;
  blobCount: number;
  childCount: number;
  hasSubject: boolean;
  /** Its first blob is the config, the others are layers. */
  isImage: boolean;
  /** As with references. */
  type: number;
}

/** @returns the length of a digest */
export function digestBytes(algorithm: AlgorithmCode): number {
  return algorithm === 1 ? SHA512_BYTES : SHA256_BYTES;
}
