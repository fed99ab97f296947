import { closeSync, mkdirSync, openSync, readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../lib/message-of.ts";
import { errorCodeOf } from "../../lib/system-error.ts";
import { LocalGrants, RateSlots, type RequestGrants } from "./shared-rate-grants.ts";

/** After a failure the folder is left alone for this long. */
const TRY_AGAIN_MS = 10_000;

/**
 * Grants that all processes of a host hand out together. Whoever creates the file of a slot, `SECOND-NUMBER`, has the
 * slot; nobody has to live on for the others, and nothing is locked. Files of other seconds are removed by whoever takes
 * his first slot of a second. All calls are synchronous: there are fifty a second at the most, of some microseconds each.
 */
export class FolderGrants implements RequestGrants {
  readonly #folder: string;
  readonly #slots: RateSlots;
  readonly #alone: LocalGrants;
  readonly #onNotice: ((message: string) => void) | undefined;
  #next = 0;
  #sweptSecond = 0;
  #aloneUntilMs = 0;
  #hasTold = false;

  constructor(perSecond: number, folder: string, onNotice: ((message: string) => void) | undefined) {
    this.#folder = folder;
    this.#slots = new RateSlots(perSecond);
    this.#alone = new LocalGrants(perSecond);
    this.#onNotice = onNotice;
  }

  take(nowMs: number): number {
    if (nowMs < this.#aloneUntilMs) return this.#alone.take(nowMs);
    try {
      return this.#takeShared(nowMs);
    } catch (error) {
      this.#aloneUntilMs = nowMs + TRY_AGAIN_MS;
      if (!this.#hasTold) {
        this.#hasTold = true;
        this.#onNotice?.(
          `each process keeps maxrequestspersecond for itself: ${this.#folder} cannot be used (${messageOf(error)})`,
        );
      }
      return this.#alone.take(nowMs);
    }
  }

  nextMs(nowMs: number): number {
    return this.#alone.nextMs(nowMs);
  }

  #takeShared(nowMs: number): number {
    const slots = this.#slots;
    const current = slots.at(nowMs);
    if (this.#next > current + slots.count) this.#next = 0;
    let slot = Math.max(this.#next, slots.oldestAt(nowMs));
    for (; slot <= current; slot++) {
      const { second, number } = slots.split(slot);
      if (!this.#create(`${second}-${number}`)) continue;
      this.#next = slot + 1;
      this.#sweep(second);
      return slots.sizeOf(slot);
    }
    this.#next = slot;
    return 0;
  }

  /** @returns false if another process has done so before */
  #create(name: string): boolean {
    const path = join(this.#folder, name);
    try {
      closeSync(openSync(path, "wx", 0o600));
      return true;
    } catch (error) {
      if (errorCodeOf(error) === "EEXIST") return false;
      if (errorCodeOf(error) !== "ENOENT") throw error;
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      closeSync(openSync(path, "wx", 0o600));
      return true;
    }
  }

  /** Removes the files of all seconds but this one and those beside it: of a clock that was set back, too. */
  #sweep(second: number): void {
    if (second === this.#sweptSecond) return;
    this.#sweptSecond = second;
    for (const name of readdirSync(this.#folder)) {
      const ofFile = /^(\d+)-\d+$/.exec(name)?.[1];
      if (ofFile === undefined || Math.abs(Number(ofFile) - second) <= 1) continue;
      try {
        unlinkSync(join(this.#folder, name));
      } catch (error) {
        if (errorCodeOf(error) !== "ENOENT") throw error;
      }
    }
  }
}
