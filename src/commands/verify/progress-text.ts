import { formatBytes } from "../../lib/units.ts";
import type { VerifyProgress } from "../../operations/verify/verify-options.ts";

/** Before this much time the rate says nothing. */
const MIN_MEASURED_MS = 2000;

const VERBS: Readonly<Record<VerifyProgress["phase"], string>> = {
  blobs: "listing blobs",
  checksums: "hashing blobs",
  repositories: "checking repositories",
};

/** Makes the one line of a progress display, with the time that is left in the phase. */
export class VerifyProgressText {
  readonly #nowMs: () => number;
  #phase: VerifyProgress["phase"] | undefined;
  #startedMs = 0;

  /** @param nowMs - our clock, in milliseconds since 1970 */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** @returns what to show for an event */
  of({ phase, done, total, files }: VerifyProgress): string {
    const now = this.#nowMs();
    if (phase !== this.#phase) {
      this.#phase = phase;
      this.#startedMs = now;
    }
    const amount = phase === "checksums" ? formatBytes : String;
    const read = files === undefined ? "" : `, ${files} files read`;
    if (total === undefined || total === 0) return `${VERBS[phase]}: ${amount(done)}${read}; safe to stop`;
    const share = Math.min(100, Math.floor((done * 100) / total));
    const left = remaining(now - this.#startedMs, done, total);
    return `${VERBS[phase]}: ${amount(done)} of ${amount(Math.round(total))} (${share}%)${read}${left}; safe to stop`;
  }
}

function remaining(elapsedMs: number, done: number, total: number): string {
  if (elapsedMs < MIN_MEASURED_MS || done === 0) return "";
  const seconds = Math.max(0, Math.round((elapsedMs * (total - done)) / done / 1000));
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `, ${seconds} s left` : `, ${minutes} min ${seconds % 60} s left`;
}
