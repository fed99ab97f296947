import type { Readable } from "node:stream";
import { UsageError } from "../errors.ts";

/** More than any request or event of the protocol has. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Reads a body to its end.
 *
 * @throws {UsageError} if it is larger than anything that the protocol has
 */
export async function readWhole(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new UsageError("the request is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/**
 * Reads lines as they come, empty ones left out. A last line without its end is left out too: its sender died within it.
 */
export async function* readLinesOf(body: Readable): AsyncIterable<string> {
  let rest = "";
  body.setEncoding("utf8");
  try {
    for await (const chunk of body) {
      const lines = (rest + String(chunk)).split("\n");
      rest = lines.pop() ?? "";
      yield* lines.filter((line) => line !== "");
    }
  } catch (error) {
    // That it broke off is seen by the missing last event.
    if (!(error instanceof Error && "code" in error && error.code === "ECONNRESET")) throw error;
  }
}
