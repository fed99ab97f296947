import type { LeaseLog } from "../../state/lease-log.ts";
import type { Coordination, Pin, PinKey, UploadGrant } from "./coordination.ts";
import { PinTable } from "./pin-table.ts";
import { UploadQueue } from "./upload-queue.ts";
import { waitForUpload } from "./upload-wait.ts";

/** Coordination of a server that is one process: nobody else to ask. */
export class SingleProcessCoordination implements Coordination {
  readonly #leases: LeaseLog;
  readonly #uploads = new UploadQueue();
  /** For a collector in this process. */
  readonly pins: PinTable;

  constructor(leases: LeaseLog) {
    this.#leases = leases;
    this.pins = new PinTable({
      // Nobody knows better here: what is condemned is looked at again when the slice is over.
      ask: () => Promise.resolve("wait"),
      isLeased: (key) => leases.has(key),
    });
  }

  pin(keys: readonly PinKey[]): Pin | Promise<Pin> {
    return this.pins.pin(keys);
  }

  lease(keys: readonly PinKey[]): void {
    this.#leases.lease(keys);
  }

  flushLeases(): void {
    this.#leases.flush();
  }

  acquireUpload(uuid: string, signal: AbortSignal): Promise<UploadGrant> {
    return waitForUpload((events) => {
      const claim = { uuid, owner: 0, ...events };
      this.#uploads.claim(claim);
      return () => this.#uploads.release(claim);
    }, signal);
  }
  /** See {@link UploadQueue.holdIfFree}. */
  holdUpload(uuid: string): (() => void) | undefined {
    return this.#uploads.holdIfFree(uuid);
  }
}
