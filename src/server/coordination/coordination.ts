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
   * @param use - whether something is written that must not outlive the keys, so that {@link exclude} has to wait for it
   * @param content - what is about to be written under the keys themselves, see {@link refuse}
   * @returns the pins, to be released when the answer has left; only when they hold the store is looked at
   * @throws {ApiError} UNAVAILABLE if the store may still carry out an earlier removal of one of the keys, or an earlier
   *   write of another content
   */
  pin(keys: readonly PinKey[], use?: PinUse, content?: string): Pin | Promise<Pin>;
  /**
   * The store may still write `content` under the keys, at any time while it can accept the request: until then nobody,
   * in any worker, can begin to write anything else there or to remove it. To be waited for, with the keys pinned, before
   * an answer, so that whoever was writing there already did so at the same time.
   */
  refuse(keys: readonly PinKey[], content: string): Promise<void>;
  /**
   * Keeps everybody, in every worker, from relying on keys that are about to be removed at a client's wish. Waits a
   * while for requests that write something that relies on them; readers only wait for the end.
   *
   * @throws {ApiError} UNAVAILABLE if such requests do not end in time, or the store may still write there
   */
  exclude(keys: readonly PinKey[]): Promise<Exclusion>;
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
 * What a request relies on: a digest (its bytes in the store), a repository's link to a digest, or that a repository's
 * tag is not being removed; as `digest`, `repository@digest` or `repository:tag`.
 */
export type PinKey = string;

/** What a request that pins a key does with it. */
export type PinUse = "reading" | "writing";

/** The right to remove keys on which nobody relies. */
export interface Exclusion {
  /** @param isUndecided - the store did not say what became of the removal, and may still carry it out */
  release(isUndecided: boolean): void;
}

/** Keys that are protected until `release`. */
export interface Pin {
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
