import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

const BLOCK_BYTES = 64 * 1024;
/** More is not read for however many lines. */
const MAX_BYTES = 16 * 1024 * 1024;

/** The last lines of a file, and where they end. */
export interface FileEnd {
  lines: string[];
  /** Offset behind them. */
  offset: number;
  inode: number;
}

/**
 * @param fromOffset - nothing before it is read
 * @returns the last lines of a file without their ends, at the most `count`; none if it cannot be read
 */
export function readLastLines(path: string, count: number, fromOffset = 0): string[] {
  try {
    return readFileEnd(path, count, fromOffset).lines;
  } catch {
    return [];
  }
}

/**
 * As {@link readLastLines}, with what it takes to go on reading.
 *
 * @throws {Error} the system's, if the file cannot be read
 */
export function readFileEnd(path: string, count: number, fromOffset = 0): FileEnd {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size, ino } = fstatSync(file);
    const first = Math.max(fromOffset, size - MAX_BYTES, 0);
    let start = size;
    let bytes = Buffer.alloc(0);
    while (count > 0 && start > first && countNewlines(bytes) <= count) {
      const length = Math.min(BLOCK_BYTES, start - first);
      const block = Buffer.alloc(length);
      const read = readSync(file, block, 0, length, start - length);
      bytes = Buffer.concat([block.subarray(0, read), bytes]);
      start -= length;
    }
    const lines = bytes.toString("utf8").split("\n");
    if (lines.at(-1) === "") lines.pop();
    return { lines: count === 0 ? [] : lines.slice(-count), offset: size, inode: ino };
  } finally {
    closeSync(file);
  }
}

function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++;
  return count;
}
