import { createReadStream } from "node:fs";

const NEWLINE = 0x0a;
const READ_BYTES = 1024 * 1024;

/**
 * Reads a file line by line, whatever its size. A line that is too long is left out, so that a damaged file fills no
 * memory.
 *
 * @param file - a descriptor, which is closed in the end
 * @throws {Error} if it cannot be read
 */
export async function* readLines(file: number, maxLineBytes: number): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let bytes = 0;
  const add = (part: Buffer): void => {
    bytes += part.length;
    if (bytes <= maxLineBytes) parts.push(part);
    else parts = [];
  };
  const end = (): string | undefined => {
    const line = bytes <= maxLineBytes ? Buffer.concat(parts).toString("utf8") : undefined;
    parts = [];
    bytes = 0;
    return line;
  };
  const chunks: AsyncIterable<Buffer> = createReadStream("", { fd: file, highWaterMark: READ_BYTES });
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
  if (last) yield last;
}
