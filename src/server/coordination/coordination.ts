import type { HashedUpload } from "../../registry/upload-hash.ts";

/**
 * What one worker of a server agrees on with the others and with a collector. A single process uses
 * an implementation of its own; workers under a supervisor ask it.
 */
export interface Coordination {
  /**
   * Protects `keys` from a collector while a request relies on them. To be called before the request's first await.
   * When none of them is condemned, which is nearly always, the pins hold at once and the result is no promise.
   *
   * @returns the pins, to be released when the answer has left; `revalidate` is true if the collector may already
   *   have removed one of the keys, so that the caller must look at the store again
   */
  pin(keys: readonly PinKey[]): Pin | Promise<Pin>;
  /**
   * Remembers for the lease time (24 hours) that a client was told that these keys exist. To be called before the
   * answer's first byte; written to the lease log, in one write a turn, by `flushLeases`.
   */
  lease(keys: readonly PinKey[]): void;
  /** Writes what `lease` collected; called before an answer leaves. Cheap when there is nothing to write. */
  flushLeases(): void;
  /**
   * Waits until no other request, of any worker, writes the upload, then holds it.
   * @throws {CancelledError} if `signal` is aborted first
   */
  acquireUpload(uuid: string, signal: AbortSignal): Promise<UploadGrant>;
}

/**
 * What a request relies on: a digest (its bytes in the store), or a repository's link to a digest,
 * as `digest` or `repository@digest`.
 */
export type PinKey = string;

/** Keys that are protected until `release`. */
export interface Pin {
  readonly revalidate: boolean;
  /** Adds keys, found later, under the same rules as {@link Coordination.pin}. */
  extend(keys: readonly PinKey[]): void | Promise<void>;
  release(): void;
}

/** The right to write one upload. */
export interface UploadGrant {
  /** Aborted when the right is lost (another request took the upload over, the supervisor is gone): stop writing. */
  readonly lost: AbortSignal;
  /** What the process that wrote last, if it was another one, knows of the upload. */
  readonly hashed: HashedUpload | undefined;
  /**
   * Passes the upload on.
   * @param hashed - what is known of it now
   */
  release(hashed?: HashedUpload): void;
}
