import { closeSync, mkdirSync, openSync, readdirSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errorCodeOf } from "../lib/system-error.ts";
import type { LeasePrefix } from "./lease-table.ts";

/** Bytes of one lease: the high half first, little-endian halves. */
export const LEASE_BYTES = 8;

const FILE_NAME = /^(\d{1,15})-[0-9a-f]+\.leases$/;
/** Numbers below are hours, as earlier versions named the files; above milliseconds since 1970. */
const MAX_HOUR = 1e9;
const HOUR_MS = 3_600_000;
/** So much is read at a time. */
const CHUNK_BYTES = 64 * 1024 * LEASE_BYTES;

/** A file of leases of one process and one span of time. */
export interface LeaseFile {
  name: string;
  /** When the span began, in milliseconds since 1970. */
  spanStartMs: number;
}

/** @returns the name of a new file for the leases of a span */
export function leaseFileName(spanStartMs: number, token: string): string {
  return `${spanStartMs}-${token}.leases`;
}

/** Makes the folder of lease files, if it is missing. */
export function makeLeaseFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
}

/** Lists the lease files of a folder. */
export function listLeaseFiles(folder: string): LeaseFile[] {
  const files: LeaseFile[] = [];
  for (const name of readdirSync(folder)) {
    const start = FILE_NAME.exec(name)?.[1];
    if (start === undefined) continue;
    const number = Number(start);
    files.push({ name, spanStartMs: number < MAX_HOUR ? number * HOUR_MS : number });
  }
  return files;
}

/** Removes files whose leases have all ended. Another process of ours may do the same. */
export function removeExpiredLeases(folder: string, isExpired: (spanStartMs: number) => boolean): void {
  for (const { name, spanStartMs } of listLeaseFiles(folder)) {
    if (isExpired(spanStartMs)) rmSync(join(folder, name), { force: true });
  }
}

/**
 * Reads the leases of a file from an offset on. What is left of a torn last entry is not read: it was never acknowledged.
 *
 * @returns where to go on the next time; the same offset if the file is gone
 */
export function readLeases(path: string, offset: number, onLease: (prefix: LeasePrefix) => void): number {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return offset;
    throw error;
  }
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    let at = offset;
    for (;;) {
      const bytes = readSync(descriptor, buffer, 0, buffer.length, at);
      const whole = bytes - (bytes % LEASE_BYTES);
      for (let index = 0; index < whole; index += LEASE_BYTES) {
        onLease({ high: buffer.readUInt32LE(index), low: buffer.readUInt32LE(index + 4) });
      }
      at += whole;
      if (whole === 0) return at;
    }
  } finally {
    closeSync(descriptor);
  }
}
