import { open, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCodeOf } from "../../lib/system-error.ts";
import { readFileEnd } from "./last-lines.ts";

const LOOK_EVERY_MS = 250;
const BLOCK_BYTES = 64 * 1024;

/** What is read of a log. */
export interface FollowOptions {
  /** So many lines of what is there already. */
  lines: number;
  /** Whatever is added later too, until `signal` is aborted. */
  follow: boolean;
  signal: AbortSignal;
}

/**
 * Reads the end of a log and, if wanted, what is added to it: also when it is cut to nothing, or another file gets
 * its name, as log rotation does.
 *
 * @throws {Error} the system's, if it cannot be read
 */
export async function* followFile(
  path: string,
  { lines, follow, signal }: FollowOptions,
): AsyncGenerator<string | Buffer> {
  const end = readFileEnd(path, lines);
  if (end.lines.length > 0) yield `${end.lines.join("\n")}\n`;
  if (!follow) return;
  let { offset } = end;
  // Held open, so that the rest of a file that lost its name is read too.
  let file = await open(path);
  try {
    for (;;) {
      const hasMoved = await isAnother(path, file);
      const { size } = await file.stat();
      if (size < offset) offset = 0;
      for (let block = await readAt(file, offset); block.length > 0; block = await readAt(file, offset)) {
        offset += block.length;
        yield block;
      }
      if (hasMoved) {
        const next = await open(path);
        await file.close();
        file = next;
        offset = 0;
        continue;
      }
      if (signal.aborted) return;
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await file.close();
  }
}

type OpenFile = Awaited<ReturnType<typeof open>>;

async function readAt(file: OpenFile, offset: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(BLOCK_BYTES), 0, BLOCK_BYTES, offset);
  return buffer.subarray(0, bytesRead);
}

/** @returns false also while there is none: it was renamed, and the next one is not there yet */
async function isAnother(path: string, file: OpenFile): Promise<boolean> {
  try {
    const [named, held] = await Promise.all([stat(path), file.stat()]);
    return named.ino !== held.ino || named.dev !== held.dev;
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return false;
    throw error;
  }
}
