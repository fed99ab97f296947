import { type UploadClaim, UploadQueue } from "../server/coordination/upload-queue.ts";
import type { SupervisorMessage } from "./messages.ts";

/** The supervisor's half of "one writer per upload": takes what workers ask, and tells them what they get. */
export class UploadGrants {
  readonly #queue: UploadQueue;
  readonly #send: (worker: number, message: SupervisorMessage) => void;
  /** By worker, then by the number that the worker gave its claim. */
  readonly #claims = new Map<number, Map<number, UploadClaim>>();

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
      granted: () => this.#send(worker, { type: "upload-granted", id }),
      lost: () => this.#send(worker, { type: "upload-lost", id }),
    };
    claims.set(id, claim);
    this.#queue.claim(claim);
  }

  /** A worker has closed its writer, or waits no longer. */
  release(worker: number, id: number): void {
    const claims = this.#claims.get(worker);
    const claim = claims?.get(id);
    if (claims === undefined || claim === undefined) return;
    claims.delete(id);
    this.#queue.release(claim);
  }

  /**
   * A worker is no more. To be called when the process has ended, not when its channel is closed: until then it
   * might still write.
   */
  workerEnded(worker: number): void {
    this.#claims.delete(worker);
    this.#queue.releaseOwner(worker);
  }
}
