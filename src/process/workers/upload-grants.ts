import { LRUCache } from "lru-cache";
import type { HashedUpload } from "../../registry/upload-hash.ts";
import { type UploadClaim, UploadQueue } from "../../server/coordination/upload-queue.ts";
import type { SupervisorMessage } from "./messages.ts";

/** Of so many uploads it is remembered what their last writer had hashed; of others it is hashed again. */
const MAX_HASHED = 1024;

/**
 * The supervisor's half of "one writer per upload": takes what workers ask, and tells them what they get. What the last
 * writer has hashed goes to the next one, so that a large blob whose last request reaches another worker need not
 * be read again.
 */
export class UploadGrants {
  readonly #queue: UploadQueue;
  readonly #send: (worker: number, message: SupervisorMessage) => void;
  /** By worker, then by the number that the worker gave its claim. */
  readonly #claims = new Map<number, Map<number, UploadClaim>>();
  readonly #hashed = new LRUCache<string, HashedUpload>({ max: MAX_HASHED });

  constructor(send: (worker: number, message: SupervisorMessage) => void, queue = new UploadQueue()) {
    this.#send = send;
    this.#queue = queue;
  }

  /** A worker wants to write an upload. */
  acquire(worker: number, id: number, uuid: string): void {
    let claims = this.#claims.get(worker);
    if (claims === undefined) {
      claims = new Map();
      this.#claims.set(worker, claims);
    }
    const claim: UploadClaim = {
      uuid,
      owner: worker,
      granted: () => this.#grant(worker, id, uuid),
      lost: () => this.#send(worker, { type: "upload-lost", id }),
    };
    claims.set(id, claim);
    this.#queue.claim(claim);
  }

  /**
   * A worker has closed its writer, or waits no longer.
   * @param hashed - what it knows of the upload that it had
   */
  release(worker: number, id: number, hashed?: HashedUpload): void {
    const claims = this.#claims.get(worker);
    const claim = claims?.get(id);
    if (claims === undefined || claim === undefined) return;
    claims.delete(id);
    if (hashed !== undefined) this.#hashed.set(claim.uuid, hashed);
    this.#queue.release(claim);
  }

  /** Keeps workers from an upload that none of them has; see {@link UploadQueue.holdIfFree}. */
  holdIfFree(uuid: string): (() => void) | undefined {
    return this.#queue.holdIfFree(uuid);
  }

  /**
   * A worker is no more. To be called when the process has ended, not when its channel is closed: until then it
   * might still write.
   */
  workerEnded(worker: number): void {
    this.#claims.delete(worker);
    this.#queue.releaseOwner(worker);
  }

  /** What is known of the upload is true until somebody writes to it, so it goes to one holder only. */
  #grant(worker: number, id: number, uuid: string): void {
    const hashed = this.#hashed.get(uuid);
    this.#hashed.delete(uuid);
    this.#send(worker, { type: "upload-granted", id, ...(hashed === undefined ? {} : { hashed }) });
  }
}
