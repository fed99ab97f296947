import { type Digest, type DigestAlgorithm, digestAlgorithm } from "../../oci/digest.ts";
import { isManifestType, type Manifest } from "../../oci/manifest.ts";

/** Version of the manifest parser and of the record; what was kept under another one is void. */
export const MANIFEST_RECORD_VERSION = 1;

/** A digest's algorithm in a record: 0 is sha256, 1 is sha512. */
export type AlgorithmCode = 0 | 1;

const SHA256_BYTES = 32;
const SHA512_BYTES = 64;
/** Own size (8), number of blobs (4), number of child manifests (4), number of subjects (1). */
const HEADER_BYTES = 17;
/** Algorithm (1), size (8); the digest follows. */
const REFERENCE_BYTES = 9;
const TWO_32 = 0x1_0000_0000;
const MAX_HIGH = 0x1f_ffff;
const NO_SIZE = 0xffff_ffff;

/**
 * One digest that a manifest refers to.
 *
 * @param bytes - holds the digest at `offset`: 32 bytes of a sha256, 64 of a sha512; valid only during the call
 * @param sizeBytes - as the manifest gives it, or -1 if it does not
 */
export type ReferenceVisitor = (
  algorithm: AlgorithmCode,
  bytes: Uint8Array,
  offset: number,
  sizeBytes: number,
) => void;

/** What {@link readManifestRecord} calls, in this order: `header` once, `subject` at most once, blobs, children. */
export interface ManifestRecordVisitor {
  /** @param sizeBytes - the manifest's own size */
  header(sizeBytes: number, blobCount: number, childCount: number): void;
  subject: ReferenceVisitor;
  /** Config, layers, and those entries of an index that are said to be no manifests. */
  blob: ReferenceVisitor;
  /** An entry of an index that is said to be a manifest. */
  child: ReferenceVisitor;
}

/** Bytes that are no record, or more than one. */
export class InvalidManifestRecordError extends Error {
  override readonly name: string = "InvalidManifestRecordError";
  constructor(reason: string) {
    super(`invalid manifest record: ${reason}`);
  }
}

/** @returns how many bytes {@link writeManifestRecord} writes for this manifest */
export function manifestRecordBytes(manifest: Manifest): number {
  let length = HEADER_BYTES;
  for (const { digest } of manifest.blobs) length += referenceBytes(digest);
  for (const { digest } of manifest.children) length += referenceBytes(digest);
  if (manifest.subject) length += referenceBytes(manifest.subject.digest);
  return length;
}

/**
 * Writes what a manifest refers to, packed: no strings, no media types.
 *
 * @param target - has room for {@link manifestRecordBytes} at `offset`; a larger one can take record after record
 * @param sizeBytes - length of the manifest itself
 * @returns the offset behind the record
 */
export function writeManifestRecord(
  target: Uint8Array,
  offset: number,
  manifest: Manifest,
  sizeBytes: number,
): number {
  const { blobs, children, subject } = manifest;
  let childCount = 0;
  for (const child of children) if (isManifestType(child.mediaType)) childCount++;
  const blobCount = blobs.length + children.length - childCount;
  let at = writeRecordHeader(target, offset, {
    sizeBytes,
    blobCount,
    childCount,
    hasSubject: subject !== undefined,
  });
  if (subject) at = writeReference(target, at, subject.digest, subject.size);
  for (const { digest, size } of blobs) at = writeReference(target, at, digest, size);
  if (childCount < children.length) {
    for (const { mediaType, digest, size } of children) {
      if (!isManifestType(mediaType)) at = writeReference(target, at, digest, size);
    }
  }
  if (childCount > 0) {
    for (const { mediaType, digest, size } of children) {
      if (isManifestType(mediaType)) at = writeReference(target, at, digest, size);
    }
  }
  return at;
}

/** Bytes of a record that refers to nothing. */
export const EMPTY_RECORD_BYTES = HEADER_BYTES;

/** Writes the beginning of a record. @returns the offset behind it, where the subject, blobs and children follow */
export function writeRecordHeader(
  target: Uint8Array,
  offset: number,
  header: { sizeBytes: number; blobCount: number; childCount: number; hasSubject: boolean },
): number {
  writeSize(target, offset, header.sizeBytes);
  writeWord(target, offset + 8, header.blobCount);
  writeWord(target, offset + 12, header.childCount);
  target[offset + 16] = header.hasSubject ? 1 : 0;
  return offset + HEADER_BYTES;
}

/**
 * Writes what stands before the digest of a reference.
 *
 * @param sizeBytes - -1 if it is not known
 * @returns the offset at which the digest's bytes belong
 */
export function writeReferenceHeader(
  target: Uint8Array,
  offset: number,
  algorithm: AlgorithmCode,
  sizeBytes: number,
): number {
  target[offset] = algorithm;
  writeSize(target, offset + 1, sizeBytes);
  return offset + REFERENCE_BYTES;
}

/** @returns the record of {@link writeManifestRecord} in bytes of its own */
export function encodeManifestRecord(manifest: Manifest, sizeBytes: number): Uint8Array {
  const record = new Uint8Array(manifestRecordBytes(manifest));
  writeManifestRecord(record, 0, manifest, sizeBytes);
  return record;
}

/**
 * Reads a record without making a string or an object. Nothing is called before the whole record has been found sound.
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
  checkRecord(bytes, offset, length);
  const blobCount = readWord(bytes, offset + 8);
  const childCount = readWord(bytes, offset + 12);
  visitor.header(readSize(bytes, offset), blobCount, childCount);
  let at = offset + HEADER_BYTES;
  if (bytes[offset + 16] === 1) {
    const algorithm = algorithmAt(bytes, at);
    visitor.subject(algorithm, bytes, at + REFERENCE_BYTES, readSize(bytes, at + 1));
    at += REFERENCE_BYTES + digestBytes(algorithm);
  }
  for (let index = 0; index < blobCount + childCount; index++) {
    const algorithm = algorithmAt(bytes, at);
    const size = readSize(bytes, at + 1);
    if (index < blobCount) visitor.blob(algorithm, bytes, at + REFERENCE_BYTES, size);
    else visitor.child(algorithm, bytes, at + REFERENCE_BYTES, size);
    at += REFERENCE_BYTES + digestBytes(algorithm);
  }
}

function checkRecord(bytes: Uint8Array, offset: number, length: number): void {
  const end = offset + length;
  if (end > bytes.length || length < HEADER_BYTES) throw new InvalidManifestRecordError(`${length} bytes`);
  if (readSize(bytes, offset) < 0) throw new InvalidManifestRecordError("no size");
  const subjects = bytes[offset + 16] ?? 0;
  if (subjects > 1) throw new InvalidManifestRecordError(`${subjects} subjects`);
  const count = readWord(bytes, offset + 8) + readWord(bytes, offset + 12) + subjects;
  let at = offset + HEADER_BYTES;
  // A count too high ends at the record's end, so that it costs no more than a right one.
  for (let index = 0; index < count; index++) {
    if (at + REFERENCE_BYTES > end) throw new InvalidManifestRecordError(`ends in reference ${index}`);
    const algorithm = bytes[at] ?? 0;
    if (algorithm > 1) throw new InvalidManifestRecordError(`algorithm ${algorithm}`);
    readSize(bytes, at + 1);
    at += REFERENCE_BYTES + (algorithm === 1 ? SHA512_BYTES : SHA256_BYTES);
  }
  if (at !== end) throw new InvalidManifestRecordError(`${end - at} bytes left over`);
}

function referenceBytes(digest: Digest): number {
  return REFERENCE_BYTES + digestBytes(algorithmCode(digestAlgorithm(digest)));
}

function digestBytes(algorithm: AlgorithmCode): number {
  return algorithm === 1 ? SHA512_BYTES : SHA256_BYTES;
}

function algorithmCode(algorithm: DigestAlgorithm): AlgorithmCode {
  return algorithm === "sha512" ? 1 : 0;
}

function algorithmAt(bytes: Uint8Array, offset: number): AlgorithmCode {
  return bytes[offset] === 1 ? 1 : 0;
}

function writeReference(target: Uint8Array, offset: number, digest: Digest, size: number): number {
  const algorithm = algorithmCode(digestAlgorithm(digest));
  const start = writeReferenceHeader(target, offset, algorithm, size);
  const end = start + digestBytes(algorithm);
  // Behind "sha256:" or "sha512:".
  let digit = 7;
  for (let at = start; at < end; at++) {
    target[at] = (nibble(digest.charCodeAt(digit)) << 4) | nibble(digest.charCodeAt(digit + 1));
    digit += 2;
  }
  return end;
}

/** The value of one lower-case hexadecimal digit; without a branch, which no processor could foresee. */
function nibble(code: number): number {
  return (code & 0xf) + 9 * (code >>> 6);
}

/** @param size - an integer from 0 to 2^53 - 1, or -1 for "not known" */
function writeSize(target: Uint8Array, offset: number, size: number): void {
  const low = size >>> 0;
  writeWord(target, offset, low);
  writeWord(target, offset + 4, size < 0 ? NO_SIZE : (size - low) / TWO_32);
}

function readSize(bytes: Uint8Array, offset: number): number {
  const low = readWord(bytes, offset);
  const high = readWord(bytes, offset + 4);
  if (high <= MAX_HIGH) return high * TWO_32 + low;
  if (high === NO_SIZE && low === NO_SIZE) return -1;
  throw new InvalidManifestRecordError("a size above 2^53");
}

function writeWord(target: Uint8Array, offset: number, value: number): void {
  target[offset] = value;
  target[offset + 1] = value >>> 8;
  target[offset + 2] = value >>> 16;
  target[offset + 3] = value >>> 24;
}

function readWord(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] ?? 0) |
      ((bytes[offset + 1] ?? 0) << 8) |
      ((bytes[offset + 2] ?? 0) << 16) |
      ((bytes[offset + 3] ?? 0) << 24)) >>>
    0
  );
}
