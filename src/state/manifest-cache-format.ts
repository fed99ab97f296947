import { hash } from "node:crypto";
import { type AlgorithmCode, MANIFEST_RECORD_VERSION } from "../registry/graph/manifest-record-layout.ts";

/*
 * The file: a header of 16 bytes (magic, version of this format, version of the records), entries, and an end mark of
 * 16 bytes, without which the file is not whole. An entry is its length (4 bytes, of what lies between it and the
 * checksum), algorithm (1), digest (32 or 64), record, checksum (8). The end mark is the length 0, the number of
 * entries (4) and a checksum. A checksum is the beginning of the SHA-256 of all that precedes it in the entry, length
 * included. Numbers are little-endian.
 */

const MAGIC = "rctlmfst";
const FORMAT_VERSION = 1;

/** Length of the file's header. */
export const HEADER_BYTES = 16;
/** Length of an entry's first field. */
export const LENGTH_BYTES = 4;
/** Length of an entry's last field. */
export const CHECKSUM_BYTES = 8;
/** Length of the end mark. */
export const END_BYTES = 16;
/**
 * Longest entry, without its length and checksum. A record is shorter than its manifest, and registries accept 4 MiB;
 * what is longer is not kept. It bounds what a damaged length can make us read.
 */
export const MAX_ENTRY_BYTES = 4 * 1024 * 1024;

/** @returns the length of a digest in bytes */
export function digestBytes(algorithm: AlgorithmCode): number {
  return algorithm === 1 ? 64 : 32;
}

/** @returns the header that files of this version begin with */
export function cacheHeader(): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, "latin1");
  header.writeUInt32LE(FORMAT_VERSION, 8);
  header.writeUInt32LE(MANIFEST_RECORD_VERSION, 12);
  return header;
}

/** @returns why a file that begins with `header` cannot be read, or undefined if it can */
export function headerProblem(header: Buffer): string | undefined {
  if (header.equals(cacheHeader())) return undefined;
  return header.toString("latin1", 0, MAGIC.length) === MAGIC
    ? "was written by another version"
    : "is no manifest cache";
}

/** Puts the checksum of `bytes` from `start` to `end` behind them. */
export function writeChecksum(bytes: Buffer, start: number, end: number): void {
  const checksum = hash("sha256", bytes.subarray(start, end), "binary");
  for (let index = 0; index < CHECKSUM_BYTES; index++) bytes[end + index] = checksum.charCodeAt(index);
}

/** Tells whether the checksum of `bytes` from `start` to `end` stands behind them. */
export function hasChecksum(bytes: Buffer, start: number, end: number): boolean {
  const checksum = hash("sha256", bytes.subarray(start, end), "binary");
  for (let index = 0; index < CHECKSUM_BYTES; index++) {
    if (bytes[end + index] !== checksum.charCodeAt(index)) return false;
  }
  return true;
}
