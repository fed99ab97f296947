import { RateMeter } from "../../lib/rate-meter.ts";
import { formatSpan } from "../../lib/spans-of-time.ts";
import { formatBytes } from "../../lib/units.ts";
import type { SyncProgress } from "../../registry/copy/sync-options.ts";

const PASSES: Readonly<Record<SyncProgress["pass"], string>> = {
  blobs: "blobs",
  repositories: "links",
  deletions: "removing what the source has not",
};

/** Makes lines of progress of copies: how far, how fast and how long still. */
export class CopyProgressText {
  readonly #nowMs: () => number;
  readonly #total: { files: number; bytes: number } | undefined;
  #files = new RateMeter();
  #bytes = new RateMeter();
  #round = 0;

  /** @param total - what the source has, where that is known */
  constructor(nowMs: () => number, total: { files: number; bytes: number } | undefined) {
    this.#nowMs = nowMs;
    this.#total = total;
  }

  of({ pass, seen, copied }: SyncProgress, round: number): string {
    const nowMs = this.#nowMs();
    if (round !== this.#round) {
      this.#round = round;
      this.#files = new RateMeter();
      this.#bytes = new RateMeter();
    }
    this.#files.sample(nowMs, seen.files);
    this.#bytes.sample(nowMs, copied.bytes);
    const files = this.#total === undefined ? `${seen.files}` : `${seen.files} of ${this.#total.files}`;
    const rate = this.#bytes.perSecond(nowMs, copied.bytes);
    const speed = rate === undefined ? "" : `, ${formatBytes(Math.round(rate))}/s`;
    return (
      `round ${round}, ${PASSES[pass]}: ${files} files, ${copied.files} copied (${formatBytes(copied.bytes)})` +
      `${speed}${this.#left(seen, nowMs)}; safe to stop`
    );
  }

  #left(seen: SyncProgress["seen"], nowMs: number): string {
    const perSecond = this.#files.perSecond(nowMs, seen.files);
    if (this.#total === undefined || !perSecond) return "";
    const byFiles = (this.#total.files - seen.files) / perSecond;
    const bytesPerSecond = this.#bytes.perSecond(nowMs, seen.bytes);
    const byBytes = bytesPerSecond ? (this.#total.bytes - seen.bytes) / bytesPerSecond : 0;
    return `, some ${formatSpan(Math.max(byFiles, byBytes, 0))} left`;
  }
}
