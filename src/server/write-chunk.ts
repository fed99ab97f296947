import type { ServerResponse } from "node:http";
import { ClientGoneError } from "./api-error.ts";

/**
 * Writes bytes of an answer's body.
 *
 * @param idleTimeoutMs - a client that does not take the bytes in this time is disconnected
 * @returns when the system has the bytes, so that the buffer may be used again
 * @throws {ClientGoneError}
 */
export function writeChunk(
  response: ServerResponse,
  chunk: Uint8Array,
  idleTimeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => response.destroy(), idleTimeoutMs);
    const settle = (error?: Error | null): void => {
      clearTimeout(timer);
      response.off("close", onClose);
      if (error) reject(new ClientGoneError({ cause: error }));
      else resolve();
    };
    const onClose = (): void => settle(new Error("connection closed"));
    response.once("close", onClose);
    response.write(chunk, settle);
  });
}
