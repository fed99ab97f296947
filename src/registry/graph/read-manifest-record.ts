import {
  type AlgorithmCode,
  BLOB_COUNT_AT,
  CHILD_COUNT_AT,
  digestBytes,
  FIRST_OWN_TYPE,
  FLAGS_AT,
  HAS_SUBJECT,
  HEADER_BYTES,
  IS_IMAGE,
  LAYERS_AT,
  MAX_OWN_TYPES,
  type ManifestRecordHeader,
  OWN_TYPES_AT,
  REFERENCE_BYTES,
  SIZE_IN_REFERENCE,
  TYPE_AT,
} from "./manifest-record-layout.ts";
import { NO_TYPE, OTHER_TYPE, USUAL_TYPE_COUNT } from "./media-type-codes.ts";
import { InvalidManifestRecordError, readSize, readWord } from "./record-bytes.ts";

/**
 * One digest that a manifest refers to.
 *
 * @param bytes - holds the digest at `offset`: 32 bytes of a sha256, 64 of a sha512; valid only during the call
 * @param sizeBytes - as the manifest gives it, or -1 if it does not
 * @param type - the code of its media type, or from {@link FIRST_OWN_TYPE} on one of the record's own types
 */
export type ReferenceVisitor = (
  algorithm: AlgorithmCode,
  bytes: Uint8Array,
  offset: number,
  sizeBytes: number,
  type: number,
) => void;

/**
 * What {@link readManifestRecord} calls, in this order: `ownType` for each, `header` once, `subject` at most once, blobs,
 * children.
 */
export interface ManifestRecordVisitor {
  /** A media type that has no code. */
  ownType(mediaType: string): void;
  /** @param header - valid only during the call */
  header(header: Readonly<ManifestRecordHeader>): void;
  subject: ReferenceVisitor;
  /** Config, layers, and those entries of an index that are said to be no manifests. */
  blob: ReferenceVisitor;
  /** An entry of an index that is said to be a manifest. */
  child: ReferenceVisitor;
}

/**
 * Reads a record without making a string or an object for a reference. Nothing is called before the whole record has been
 * found sound.
 *
 * @param length - of the record, which must fill it
 * @throws {InvalidManifestRecordError} if it is malformed or has bytes left over
 */
export function readManifestRecord(
  bytes: Uint8Array,
  offset: number,
  length: number,
  visitor: ManifestRecordVisitor,
): void {
  const typesAt = checkRecord(bytes, offset, length);
  const blobCount = readWord(bytes, offset + BLOB_COUNT_AT);
  const childCount = readWord(bytes, offset + CHILD_COUNT_AT);
  const flags = bytes[offset + FLAGS_AT] ?? 0;
  let at = typesAt;
  for (let count = bytes[offset + OWN_TYPES_AT] ?? 0; count > 0; count--) {
    const end = at + 1 + (bytes[at] ?? 0);
    visitor.ownType(Buffer.from(bytes.subarray(at + 1, end)).toString("utf8"));
    at = end;
  }
  const hasSubject = (flags & HAS_SUBJECT) !== 0;
  visitor.header({
    sizeBytes: readSize(bytes, offset),
    layersBytes: readSize(bytes, offset + LAYERS_AT),
    blobCount,
    childCount,
    hasSubject,
    isImage: (flags & IS_IMAGE) !== 0,
    type: bytes[offset + TYPE_AT] ?? NO_TYPE,
  });
  at = offset + HEADER_BYTES;
  const first = hasSubject ? -1 : 0;
  for (let index = first; index < blobCount + childCount; index++) {
    const algorithm = algorithmAt(bytes, at);
    const size = readSize(bytes, at + SIZE_IN_REFERENCE);
    const type = bytes[at + 1] ?? NO_TYPE;
    const digestAt = at + REFERENCE_BYTES;
    if (index < 0) visitor.subject(algorithm, bytes, digestAt, size, type);
    else if (index < blobCount) visitor.blob(algorithm, bytes, digestAt, size, type);
    else visitor.child(algorithm, bytes, digestAt, size, type);
    at = digestAt + digestBytes(algorithm);
  }
}

/** @returns where the own types begin */
function checkRecord(bytes: Uint8Array, offset: number, length: number): number {
  const end = offset + length;
  if (end > bytes.length || length < HEADER_BYTES) throw new InvalidManifestRecordError(`${length} bytes`);
  if (readSize(bytes, offset) < 0 || readSize(bytes, offset + LAYERS_AT) < 0)
    throw new InvalidManifestRecordError("no size");
  const flags = bytes[offset + FLAGS_AT] ?? 0;
  if (flags > (HAS_SUBJECT | IS_IMAGE)) throw new InvalidManifestRecordError(`flags ${flags}`);
  const ownTypes = bytes[offset + OWN_TYPES_AT] ?? 0;
  if (ownTypes > MAX_OWN_TYPES) throw new InvalidManifestRecordError(`${ownTypes} types`);
  checkType(bytes[offset + TYPE_AT] ?? NO_TYPE, ownTypes);
  const count =
    readWord(bytes, offset + BLOB_COUNT_AT) +
    readWord(bytes, offset + CHILD_COUNT_AT) +
    (flags & HAS_SUBJECT);
  let at = offset + HEADER_BYTES;
  // A count too high ends at the record's end, so that it costs no more than a right one.
  for (let index = 0; index < count; index++) {
    if (at + REFERENCE_BYTES > end) throw new InvalidManifestRecordError(`ends in reference ${index}`);
    const algorithm = bytes[at] ?? 0;
    if (algorithm > 1) throw new InvalidManifestRecordError(`algorithm ${algorithm}`);
    checkType(bytes[at + 1] ?? NO_TYPE, ownTypes);
    readSize(bytes, at + SIZE_IN_REFERENCE);
    at += REFERENCE_BYTES + digestBytes(algorithm === 1 ? 1 : 0);
  }
  const typesAt = at;
  for (let index = 0; index < ownTypes; index++) at += 1 + (bytes[at] ?? 0);
  if (at !== end) throw new InvalidManifestRecordError(`${end - at} bytes left over`);
  return typesAt;
}

function checkType(type: number, ownTypes: number): void {
  if (type <= USUAL_TYPE_COUNT || type === OTHER_TYPE) return;
  if (type < FIRST_OWN_TYPE || type >= FIRST_OWN_TYPE + ownTypes)
    throw new InvalidManifestRecordError(`type ${type}`);
}

function algorithmAt(bytes: Uint8Array, offset: number): AlgorithmCode {
  return bytes[offset] === 1 ? 1 : 0;
}
