import type { CollectionBarrier } from "../collector/collection-barrier.ts";
import type { StartOrder, SupervisorMessage, WorkerMessage } from "./messages.ts";
import { UploadGrants } from "./upload-grants.ts";

/** What workers are told of where the state of their store is. */
export type SeatOrder = Pick<StartOrder, "leaseFolder" | "leaseMs" | "auditFolder" | "rateFolder">;

/** A store that workers are to serve in the place of another one. */
export interface OtherSeat {
  order: SeatOrder;
  /** Decides with these workers what may be removed from it. */
  barrier: CollectionBarrier;
}

/**
 * What binds workers to the store that they serve: those of one store agree on who writes an upload and on what may be removed;
 * workers of another one, which are there while one takes the other's place, know nothing of it.
 */
export class WorkerSeat {
  readonly #barrier: CollectionBarrier;
  readonly #uploads: UploadGrants;

  /** @param send - puts a message into a worker's channel, in order */
  constructor(barrier: CollectionBarrier, send: (worker: number, message: SupervisorMessage) => void) {
    this.#barrier = barrier;
    this.#uploads = new UploadGrants(send);
    barrier.connect(send);
  }

  /** A worker is about to be told to begin. @returns what has to be in its order */
  join(worker: number, pid: number | undefined): Pick<StartOrder, "slices" | "undecided" | "run"> {
    return this.#barrier.join(worker, pid);
  }

  /** Takes what a worker says of uploads and of what it relies on. */
  receive(worker: number, message: WorkerMessage): void {
    switch (message.type) {
      case "upload-acquire":
        this.#uploads.acquire(worker, message.id, message.uuid);
        break;
      case "upload-release":
        this.#uploads.release(worker, message.id, message.hashed);
        break;
      default:
        this.#barrier.receive(worker, message);
    }
  }

  /** See {@link UploadGrants.holdIfFree}. */
  holdUpload(uuid: string): (() => void) | undefined {
    return this.#uploads.holdIfFree(uuid);
  }

  /** A worker's process has ended. */
  ended(worker: number): void {
    this.#uploads.workerEnded(worker);
  }

  /** After that: all that it had said has been heard. @param hasServed - it has listened */
  heardOut(worker: number, hasServed: boolean, pid: number | undefined): void {
    this.#barrier.ended(worker, hasServed, pid);
  }
}
