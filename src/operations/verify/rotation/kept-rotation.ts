import { messageOf } from "../../../lib/message-of.ts";
import {
  type ChecksumCoverage,
  describeCoverage,
  keepCoverage,
  NO_COVERAGE,
  readCoverage,
  withRange,
} from "../../../state/checksum-coverage.ts";
import type { RotationReport } from "../verify-report.ts";
import { ChecksumRotation, END_OF_DIGESTS } from "./checksum-rotation.ts";

/** Hashing by turns, as it is kept from one run to the next in the state folder of the store that is hashed. */
export class KeptRotation {
  readonly rotation: ChecksumRotation;
  readonly #folder: string;
  readonly #startedMs: number;
  readonly #onProblem: (problem: string) => void;
  #coverage: ChecksumCoverage;

  /**
   * @param options.folder - the state folder; what is damaged in it counts as nothing hashed yet
   * @param options.nowMs - now, in milliseconds since 1970
   * @param options.onProblem - told if it cannot be read or kept
   */
  constructor(
    percent: number,
    options: { folder: string; nowMs: number; onProblem: (problem: string) => void },
  ) {
    this.#folder = options.folder;
    this.#startedMs = options.nowMs;
    this.#onProblem = options.onProblem;
    this.#coverage = this.#read();
    this.rotation = new ChecksumRotation(percent, this.#coverage.next);
  }

  /** Keeps how far it has come; to be called however the run has ended. */
  keep(): void {
    const { from, reached, hasGaps } = this.rotation;
    if (reached === from) return;
    const done = { from, to: reached, atMs: this.#startedMs };
    this.#coverage = {
      next: reached >= END_OF_DIGESTS ? 0 : reached,
      // Where something could not be read, what was known before is not known better now.
      ranges: hasGaps ? this.#coverage.ranges : withRange(this.#coverage.ranges, done),
    };
    try {
      keepCoverage(this.#folder, this.#coverage);
    } catch (error) {
      this.#onProblem(
        `how far the checksums have come could not be kept, so that the next run begins where this one did: ${messageOf(error)}`,
      );
    }
  }

  /** What a report says of it, when it has been kept. */
  report(): RotationReport {
    const { from, to } = this.rotation;
    const { percent, sinceMs } = describeCoverage(this.#coverage.ranges, END_OF_DIGESTS);
    return {
      fromPercent: percentOf(from),
      toPercent: percentOf(to),
      coveredPercent: Math.floor(percent * 100) / 100,
      ...(sinceMs === undefined ? {} : { coveredSince: new Date(sinceMs).toISOString() }),
    };
  }

  #read(): ChecksumCoverage {
    try {
      return readCoverage(this.#folder);
    } catch (error) {
      this.#onProblem(`the turn of the checksums is not known, and begins anew: ${messageOf(error)}`);
      return NO_COVERAGE;
    }
  }
}

function percentOf(place: number): number {
  return Math.round((place * 10_000) / END_OF_DIGESTS) / 100;
}
