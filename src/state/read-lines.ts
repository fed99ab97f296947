import { createReadStream } from "node:fs";

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
 * @param file - a descriptor, which stays open
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
  const end = (): Line | undefined => {
    const line = bytes <= maxLineBytes ? { text: Buffer.concat(parts).toString("utf8"), offset } : undefined;
    offset += bytes + 1;
    parts = [];
    bytes = 0;
    return line;
  };
  // With a start the file's own position is not used, so that it can be read again.
  const options = { fd: file, start: 0, autoClose: false, highWaterMark: READ_BYTES };
  const chunks: AsyncIterable<Buffer> = createReadStream("", options);
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, at));
      from = at + 1;
      const line = end();
      if (line !== undefined) yield line;
    }
    add(chunk.subarray(from));
  }
  const last = end();
  if (last?.text) yield last;
}
