import { once } from "node:events";
import type { Writable } from "node:stream";

/**
 * Writes pieces of text no faster than they are taken. Ends early when the signal is aborted, and when nobody takes any
 * more (`| head`), which is no failure here: whoever owns the stream hears of its errors.
 */
export async function writeChunks(
  stream: Writable,
  chunks: Iterable<string> | AsyncIterable<string>,
  signal: AbortSignal,
): Promise<void> {
  for await (const chunk of chunks) {
    if (signal.aborted || !stream.writable) return;
    if (stream.write(chunk)) continue;
    try {
      await once(stream, "drain", { signal });
    } catch {
      // Aborted, or an error of the stream: seen before the next piece.
    }
  }
}
