import { ClientGoneError } from "./api-error.ts";
import type { Wire } from "./wire.ts";

/**
 * Writes bytes of an answer's body.
 *
 * @param options - `idleTimeoutMs`: a client that does not take the bytes in this time is disconnected; `signal`: is
 *   aborted when the connection is gone, which an answer that waits behind another on it does not tell itself
 * @returns when the system has the bytes, so that the buffer may be used again
 * @throws {ClientGoneError}
 */
export function writeChunk(
  wire: Wire,
  chunk: Uint8Array,
  options: { idleTimeoutMs: number; signal: AbortSignal },
): Promise<void> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => wire.cutAnswer(), options.idleTimeoutMs);
    const settle = (error?: Error | null): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      if (error) reject(new ClientGoneError({ cause: error }));
      else resolve();
    };
    const onAbort = (): void => settle(new Error("connection closed"));
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) return onAbort();
    wire.write(chunk, settle);
  });
}
