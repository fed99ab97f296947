import type { Descriptor } from "../../oci/descriptor.ts";
import { type Digest, type DigestAlgorithm, digestAlgorithm } from "../../oci/digest.ts";
import { isManifestType, type Manifest } from "../../oci/manifest.ts";
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
import { NO_TYPE, OTHER_TYPE, usualTypeCode } from "./media-type-codes.ts";
import { nibble, writeSize, writeWord } from "./record-bytes.ts";

/** Of a media type, by RFC 6838 (4.2). */
const MAX_TYPE_BYTES = 255;

/** @returns how many bytes {@link writeManifestRecord} writes for this manifest */
export function manifestRecordBytes(manifest: Manifest): number {
  let length = HEADER_BYTES;
  for (const { digest } of manifest.blobs) length += referenceBytes(digest);
  for (const { digest } of manifest.children) length += referenceBytes(digest);
  if (manifest.subject) length += referenceBytes(manifest.subject.digest);
  for (const type of ownTypesOf(manifest)) length += 1 + Buffer.byteLength(type);
  return length;
}

/**
 * Writes what a manifest refers to, packed: no strings but of media types that are unusual.
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
  const types = ownTypesOf(manifest);
  let childCount = 0;
  for (const child of children) if (isManifestType(child.mediaType)) childCount++;
  const header: ManifestRecordHeader = {
    sizeBytes,
    layersBytes: layersBytesOf(manifest),
    blobCount: blobs.length + children.length - childCount,
    childCount,
    hasSubject: subject !== undefined,
    isImage: manifest.kind === "image",
    type: typeCode(manifest.mediaType, types),
  };
  let at = writeRecordHeader(target, offset, header, types.length);
  const write = (descriptor: Descriptor): void => {
    at = writeReference(target, at, descriptor, typeCode(descriptor.mediaType, types));
  };
  if (subject) write(subject);
  for (const blob of blobs) write(blob);
  if (childCount < children.length) {
    for (const child of children) if (!isManifestType(child.mediaType)) write(child);
  }
  if (childCount > 0) {
    for (const child of children) if (isManifestType(child.mediaType)) write(child);
  }
  for (const type of types) at = writeOwnType(target, at, type);
  return at;
}

/** @returns the media types that have no code, as far as there is room for them */
function ownTypesOf({ mediaType, blobs, children, subject }: Manifest): readonly string[] {
  let types = NO_TYPES;
  const add = (type: string): void => {
    if (usualTypeCode(type) !== undefined || types.includes(type) || type === "") return;
    if (types.length < MAX_OWN_TYPES && Buffer.byteLength(type) <= MAX_TYPE_BYTES) types = [...types, type];
  };
  add(mediaType);
  if (subject) add(subject.mediaType);
  for (const blob of blobs) add(blob.mediaType);
  for (const child of children) add(child.mediaType);
  return types;
}

const NO_TYPES: readonly string[] = [];

function typeCode(mediaType: string, types: readonly string[]): number {
  const usual = usualTypeCode(mediaType);
  if (usual !== undefined) return usual;
  if (mediaType === "") return NO_TYPE;
  const index = types.indexOf(mediaType);
  return index < 0 ? OTHER_TYPE : FIRST_OWN_TYPE + index;
}

/** As GitLab adds them up: of an image only, each as often as it is listed. */
function layersBytesOf({ kind, blobs }: Manifest): number {
  let bytes = 0;
  if (kind === "image")
    for (let index = 1; index < blobs.length; index++) bytes += Math.max(0, blobs[index]?.size ?? 0);
  return Math.min(bytes, Number.MAX_SAFE_INTEGER);
}

/**
 * Writes the beginning of a record.
 *
 * @returns the offset behind it, where the subject, blobs and children follow, and then so many own types
 */
export function writeRecordHeader(
  target: Uint8Array,
  offset: number,
  header: Readonly<ManifestRecordHeader>,
  ownTypes: number,
): number {
  writeSize(target, offset, header.sizeBytes);
  writeSize(target, offset + LAYERS_AT, header.layersBytes);
  writeWord(target, offset + BLOB_COUNT_AT, header.blobCount);
  writeWord(target, offset + CHILD_COUNT_AT, header.childCount);
  target[offset + FLAGS_AT] = (header.hasSubject ? HAS_SUBJECT : 0) | (header.isImage ? IS_IMAGE : 0);
  target[offset + TYPE_AT] = header.type;
  target[offset + OWN_TYPES_AT] = ownTypes;
  return offset + HEADER_BYTES;
}

/** Writes one of the own types. @returns the offset behind it */
export function writeOwnType(target: Uint8Array, offset: number, mediaType: string): number {
  const bytes = Buffer.from(mediaType);
  target[offset] = bytes.length;
  target.set(bytes, offset + 1);
  return offset + 1 + bytes.length;
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
  type: number,
): number {
  target[offset] = algorithm;
  target[offset + 1] = type;
  writeSize(target, offset + SIZE_IN_REFERENCE, sizeBytes);
  return offset + REFERENCE_BYTES;
}

/** @returns the record of {@link writeManifestRecord} in bytes of its own */
export function encodeManifestRecord(manifest: Manifest, sizeBytes: number): Uint8Array {
  const record = new Uint8Array(manifestRecordBytes(manifest));
  writeManifestRecord(record, 0, manifest, sizeBytes);
  return record;
}

function referenceBytes(digest: Digest): number {
  return REFERENCE_BYTES + digestBytes(algorithmCode(digestAlgorithm(digest)));
}

function algorithmCode(algorithm: DigestAlgorithm): AlgorithmCode {
  return algorithm === "sha512" ? 1 : 0;
}

function writeReference(
  target: Uint8Array,
  offset: number,
  { digest, size }: Descriptor,
  type: number,
): number {
  const algorithm = algorithmCode(digestAlgorithm(digest));
  const start = writeReferenceHeader(target, offset, algorithm, size, type);
  const end = start + digestBytes(algorithm);
  // Behind "sha256:" or "sha512:".
  let digit = 7;
  for (let at = start; at < end; at++) {
    target[at] = (nibble(digest.charCodeAt(digit)) << 4) | nibble(digest.charCodeAt(digit + 1));
    digit += 2;
  }
  return end;
}
