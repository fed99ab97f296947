import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import { errorCode, isMissing } from "./translate-error.ts";

/** Links are 71 bytes and most manifests a few KiB: they fit into one read. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);
/** Else a pipe that somebody put there would hold up the whole program. */
const READ_WITHOUT_WAITING = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * @param tooLarge - makes the error for a file of more than `maxBytes`
 * @returns the bytes of a file, or undefined if there is none or a folder is there
 * @throws {Error} also for a pipe with a writer and for a device of more than a few KiB
 */
export function readSmallFile(
  absolutePath: string,
  maxBytes: number,
  tooLarge: (sizeBytes: number) => Error,
): Uint8Array | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(absolutePath, READ_WITHOUT_WAITING);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    const bytesRead = readSync(descriptor, scratch, 0, scratch.length, 0);
    const isWhole = bytesRead < scratch.length;
    const sizeBytes = isWhole ? bytesRead : Math.max(sizeOf(descriptor, absolutePath), bytesRead);
    if (sizeBytes > maxBytes) throw tooLarge(sizeBytes);
    if (isWhole) return Uint8Array.prototype.slice.call(scratch, 0, bytesRead);
    return readRest(descriptor, bytesRead, sizeBytes);
  } catch (error) {
    if (errorCode(error) === "EISDIR") return undefined;
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** @throws {Error} if it is a device or a pipe, which may have no end */
function sizeOf(descriptor: number, absolutePath: string): number {
  const stat = fstatSync(descriptor);
  if (!stat.isFile()) throw new Error(`${absolutePath} is no regular file`);
  return stat.size;
}

function readRest(descriptor: number, haveBytes: number, sizeBytes: number): Uint8Array {
  let buffer = new Uint8Array(sizeBytes + 1);
  buffer.set(scratch.subarray(0, haveBytes));
  let filled = haveBytes;
  for (;;) {
    const bytesRead = readSync(descriptor, buffer, filled, buffer.length - filled, filled);
    if (bytesRead === 0) return buffer.slice(0, filled);
    filled += bytesRead;
    if (filled < buffer.length) continue;
    const larger = new Uint8Array(buffer.length * 2);
    larger.set(buffer);
    buffer = larger;
  }
}

/** @returns size and time of a file, or undefined if there is none or a folder is there */
export function statSmallFile(absolutePath: string): { sizeBytes: number; modifiedMs: number } | undefined {
  try {
    const stat = statSync(absolutePath, { throwIfNoEntry: false });
    return stat?.isFile() ? { sizeBytes: stat.size, modifiedMs: stat.mtimeMs } : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
