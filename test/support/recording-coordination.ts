import type {
  Coordination,
  Exclusion,
  Pin,
  PinKey,
  UploadGrant,
} from "../../src/server/coordination/coordination.ts";
import { UploadQueue } from "../../src/server/coordination/upload-queue.ts";
import { waitForUpload } from "../../src/server/coordination/upload-wait.ts";

/** A coordination that tells a test what was pinned, leased and released, and when. */
export class RecordingCoordination implements Coordination {
  /** Keys that are pinned now, with repetitions. */
  readonly pinned: PinKey[] = [];
  /** Keys that were ever pinned. */
  readonly everPinned = new Set<PinKey>();
  /** Keys that are about to be removed at a client's wish. */
  readonly excluded: PinKey[] = [];
  /** What the store may still write. */
  readonly refused: { keys: PinKey[]; content: string }[] = [];
  /** How each removal at a client's wish has ended: whether the store may still carry it out. */
  readonly undecidedRemovals: boolean[] = [];
  /** Keys that were leased and flushed. */
  readonly leased = new Set<PinKey>();
  /** Called at each pin; its promise is waited for, as if the keys were condemned. */
  onPin: (keys: readonly PinKey[]) => Promise<void> | undefined = () => undefined;
  readonly #pending = new Set<PinKey>();
  readonly #uploads = new UploadQueue();

  pin(keys: readonly PinKey[]): Pin | Promise<Pin> {
    const held: PinKey[] = [];
    const add = (more: readonly PinKey[]): void => {
      held.push(...more);
      this.pinned.push(...more);
      for (const key of more) this.everPinned.add(key);
    };
    const pin: Pin = {
      extend: add,
      release: () => {
        for (const key of held.splice(0)) this.pinned.splice(this.pinned.indexOf(key), 1);
      },
    };
    add(keys);
    const waiting = this.onPin(keys);
    return waiting === undefined ? pin : waiting.then(() => pin);
  }

  async refuse(keys: readonly PinKey[], content: string): Promise<void> {
    this.refused.push({ keys: [...keys], content });
  }

  exclude(keys: readonly PinKey[]): Promise<Exclusion> {
    this.excluded.push(...keys);
    const release = (isUndecided: boolean): void => {
      this.excluded.splice(0);
      this.undecidedRemovals.push(isUndecided);
    };
    return Promise.resolve({ release });
  }

  lease(keys: readonly PinKey[]): void {
    for (const key of keys) this.#pending.add(key);
  }

  flushLeases(): void {
    for (const key of this.#pending) this.leased.add(key);
    this.#pending.clear();
  }

  acquireUpload(uuid: string, signal: AbortSignal): Promise<UploadGrant> {
    return waitForUpload((events) => {
      const claim = { uuid, owner: 0, ...events };
      this.#uploads.claim(claim);
      return () => this.#uploads.release(claim);
    }, signal);
  }
}
