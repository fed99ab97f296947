import { ApiError, ClientGoneError } from "./api-error.ts";
import type { Exchange } from "./exchange.ts";
import type { MemoryBudget } from "./memory-budget.ts";

/** @returns the length that a request says its body has; undefined if it may be any */
export function declaredLength(exchange: Exchange): number | undefined {
  return exchange.wire.bodyLength;
}

/**
 * The bytes of an upload, as they come. The exchange is cut off if none come for too long. Ending the iteration early
 * leaves the connection open, so that the reason can be told.
 *
 * @param idleTimeoutMs - longest time between two chunks
 * @param lost - aborted when the upload is not this request's to write any more; the exchange is cut off then, as its
 *   client has usually given it up
 * @throws {ClientGoneError} if the client goes before the end
 */
export async function* uploadChunks(
  exchange: Exchange,
  idleTimeoutMs: number,
  lost?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { wire } = exchange;
  exchange.invite();
  const stop = (): void => wire.abandonBody();
  if (lost?.aborted) stop();
  lost?.addEventListener("abort", stop, { once: true });
  let forClient = true;
  const timer = setTimeout(() => {
    if (forClient) stop();
    else timer.refresh();
  }, idleTimeoutMs);
  try {
    for await (const chunk of wire.body()) {
      if (!(chunk instanceof Uint8Array)) continue;
      // While the store writes, the client is not the one that is late.
      forClient = false;
      yield chunk;
      forClient = true;
      timer.refresh();
    }
  } catch (error) {
    throw wire.bodyBroken ? new ClientGoneError({ cause: error }) : error;
  } finally {
    clearTimeout(timer);
    lost?.removeEventListener("abort", stop);
  }
  if (!wire.bodyComplete) throw new ClientGoneError();
}

/** Bounds of {@link readSmallBody}. */
export interface SmallBodyLimits {
  maxBytes: number;
  /** For the whole body. */
  timeoutMs: number;
  /** What all bodies that are held at a time may take. */
  budget: MemoryBudget;
}

/** A body in memory; `release` gives its share of the budget back. */
export interface SmallBody {
  bytes: Uint8Array;
  release(): void;
}

/**
 * Reads a body that is held in memory, a manifest.
 *
 * @throws {ApiError} MANIFEST_TOO_LARGE, TOOMANYREQUESTS if the budget is used up
 * @throws {ClientGoneError} also if the body is not complete in time
 */
export async function readSmallBody(exchange: Exchange, limits: SmallBodyLimits): Promise<SmallBody> {
  const { wire } = exchange;
  if ((declaredLength(exchange) ?? 0) > limits.maxBytes) throw tooLarge(limits.maxBytes);
  exchange.invite();
  const chunks: Uint8Array[] = [];
  let taken = 0;
  const timer = setTimeout(() => wire.abandonBody(), limits.timeoutMs);
  try {
    for await (const chunk of wire.body()) {
      if (!(chunk instanceof Uint8Array)) continue;
      if (taken + chunk.length > limits.maxBytes) throw tooLarge(limits.maxBytes);
      if (!limits.budget.take(chunk.length)) throw new ApiError("TOOMANYREQUESTS");
      taken += chunk.length;
      chunks.push(chunk);
    }
    if (!wire.bodyComplete) throw new ClientGoneError();
  } catch (error) {
    limits.budget.giveBack(taken);
    if (error instanceof ApiError || !wire.bodyBroken) throw error;
    throw new ClientGoneError({ cause: error });
  } finally {
    clearTimeout(timer);
  }
  return { bytes: Buffer.concat(chunks, taken), release: () => limits.budget.giveBack(taken) };
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError("MANIFEST_TOO_LARGE", { detail: { maximumBytes: maxBytes } });
}
