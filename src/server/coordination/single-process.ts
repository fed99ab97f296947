import { setTimeout as sleep } from "node:timers/promises";
import { UNDECIDED_MS } from "../../registry/apply/slice-gate.ts";
import type { LeaseLog } from "../../state/lease-log.ts";
import type { Coordination, Exclusion, Pin, PinKey, PinUse, UploadGrant } from "./coordination.ts";
import { EXCLUDE_PAUSE_MS, EXCLUDE_WITHIN_MS } from "./exclusion-times.ts";
import { PinTable } from "./pin-table.ts";
import { stillRelied } from "./still-relied.ts";
import { UploadQueue } from "./upload-queue.ts";
import { waitForUpload } from "./upload-wait.ts";

/** Coordination of a server that is one process: nobody else to ask. */
export class SingleProcessCoordination implements Coordination {
  readonly #leases: LeaseLog;
  readonly #uploads = new UploadQueue();
  /** Negative: a collector's slices have numbers above. */
  #lastExclusion = 0;
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

  pin(keys: readonly PinKey[], use?: PinUse, content?: string): Pin | Promise<Pin> {
    return this.pins.pin(keys, use, content);
  }

  async refuse(keys: readonly PinKey[], content: string): Promise<void> {
    this.pins.refuse({ keys, content, forMs: UNDECIDED_MS });
  }

  async exclude(keys: readonly PinKey[]): Promise<Exclusion> {
    for (let tries = EXCLUDE_WITHIN_MS / EXCLUDE_PAUSE_MS; tries > 0; tries--) {
      this.pins.checkRemoval(keys);
      const slice = --this.#lastExclusion;
      if (this.pins.exclude(slice, keys).length === 0) {
        const undecided = { keys, forMs: UNDECIDED_MS };
        return { release: (isUndecided) => this.pins.withdraw(slice, isUndecided ? undecided : undefined) };
      }
      this.pins.withdraw(slice);
      await sleep(EXCLUDE_PAUSE_MS, undefined, { ref: false });
    }
    throw stillRelied();
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
