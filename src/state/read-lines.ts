import { read } from "node:fs";
import { promisify } from "node:util";

const readAt = promisify(read);

const NEWLINE = 0x0a;
const READ_BYTES = 1024 * 1024;

/** A line of a file, without its end. */
export interface Line {
  text: string;
  /** Where it begins: bytes from the start of the file. */
  offset: number;
}

/**
 * Reads a file line by line, whatever its size. A line that is too long is left out, so that a damaged file fills no
 * memory.
 *
 * @param file - a descriptor, which stays open, and is not being read any more as soon as nobody iterates: so whoever stops
 *   early may close it at once
 * @throws {Error} if it cannot be read
 */
export async function* readLines(file: number, maxLineBytes: number): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let bytes = 0;
  let offset = 0;
  const add = (part: Buffer): void => {
    bytes += part.length;
    if (bytes <= maxLineBytes) parts.push(part);
    else parts = [];
  };
  const endLine = (): Line | undefined => {
    const line = bytes <= maxLineBytes ? { text: Buffer.concat(parts).toString("utf8"), offset } : undefined;
    offset += bytes + 1;
    parts = [];
    bytes = 0;
    return line;
  };
  // At places that are told, the file's own position is not used, so that it can be read again.
  for (let at = 0; ; ) {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    const { bytesRead } = await readAt(file, buffer, 0, READ_BYTES, at);
    if (bytesRead === 0) break;
    at += bytesRead;
    const chunk = buffer.subarray(0, bytesRead);
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, end));
      from = end + 1;
      const line = endLine();
      if (line !== undefined) yield line;
    }
    add(chunk.subarray(from));
  }
  const last = endLine();
  if (last?.text) yield last;
}
