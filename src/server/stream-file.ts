import type { OpenedFile } from "../storage/abilities.ts";
import { ClientGoneError } from "./api-error.ts";
import type { BufferRings } from "./buffer-rings.ts";
import type { Wire } from "./wire.ts";
import { writeChunk } from "./write-chunk.ts";

/** How a download is sent. */
export interface StreamOptions {
  rings: BufferRings;
  idleTimeoutMs: number;
  /** Aborted when the connection is gone. */
  signal: AbortSignal;
  onSent: (bytes: number) => void;
}

/**
 * Sends a part of a file as an answer's body, without ending the answer. One buffer is filled while the other is on
 * its way. The file is closed in any case, at once when the client goes.
 *
 * @throws {ClientGoneError}
 * @throws if the file cannot be read, or is shorter than it was
 */
export async function streamFile(
  wire: Wire,
  file: OpenedFile,
  part: { offset: number; lengthBytes: number },
  options: StreamOptions,
): Promise<void> {
  const ring = options.rings.lend();
  let writing: Promise<void> | undefined;
  let clean = false;
  try {
    let position = part.offset;
    let remaining = part.lengthBytes;
    let [current, other] = ring;
    while (remaining > 0) {
      const wanted = Math.min(current.length, remaining);
      const count = await file.read(current.subarray(0, wanted), position);
      if (count === 0) throw new Error(`the file ended ${remaining} bytes early`);
      if (writing !== undefined) await writing;
      if (options.signal.aborted) throw new ClientGoneError();
      writing = writeChunk(wire, current.subarray(0, count), options);
      // It is awaited one round later; a failure before that must not count as unhandled.
      writing.catch(() => undefined);
      options.onSent(count);
      position += count;
      remaining -= count;
      [current, other] = [other, current];
    }
    await writing;
    clean = true;
  } finally {
    if (clean) options.rings.giveBack(ring);
    else options.rings.discard(ring);
    await file.close();
  }
}

/**
 * Sends a stream as an answer's body, without ending the answer. The stream is destroyed in any case.
 *
 * @throws {ClientGoneError}
 */
export async function streamReadable(
  wire: Wire,
  stream: AsyncIterable<unknown>,
  options: Omit<StreamOptions, "rings">,
): Promise<void> {
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) throw new Error("the store's stream gave something other than bytes");
    if (options.signal.aborted) throw new ClientGoneError();
    await writeChunk(wire, chunk, options);
    options.onSent(chunk.length);
  }
}
