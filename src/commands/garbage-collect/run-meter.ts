import { RateMeter } from "../../lib/rate-meter.ts";
import type { GarbageProgress } from "../../operations/gc/garbage-options.ts";
import type { RunProgress, RunResult } from "../../state/run-record.ts";

/** What a phase counts, as the last event told. */
interface Count {
  phase: string;
  done: number;
  total: number | undefined;
  totalIsEstimate: boolean;
}

/**
 * Turns the events of a collection into what people want to know: how far, how fast, how much longer. How much there is
 * to read nobody knows before it has been read; what was there after the last run is a good guess.
 */
export class RunMeter {
  readonly #clockMs: () => number;
  readonly #startedMs: number;
  readonly #last: Pick<RunResult, "found" | "deleted"> | undefined;
  #count: Count = { phase: "starting", done: 0, total: undefined, totalIsEstimate: false };
  #rate = new RateMeter();

  /**
   * @param clockMs - a clock that nobody sets
   * @param last - the last run, for estimates
   */
  constructor(clockMs: () => number, last: Pick<RunResult, "found" | "deleted"> | undefined) {
    this.#clockMs = clockMs;
    this.#startedMs = clockMs();
    this.#last = last;
  }

  /** Since the start. */
  get seconds(): number {
    return Math.round(this.#clockMs() - this.#startedMs) / 1000;
  }

  /** Cheap: may be called for each event. */
  note(event: GarbageProgress): void {
    this.#set(this.#countOf(event));
  }

  /** A phase that counts nothing, such as a question that is waiting for an answer. */
  enter(phase: string): void {
    this.#set({ phase, done: 0, total: undefined, totalIsEstimate: false });
  }

  /** How far it is now. */
  progress(): RunProgress {
    const { phase, done, total, totalIsEstimate } = this.#count;
    const now = this.#clockMs();
    this.#rate.sample(now, done);
    const perSecond = this.#rate.perSecond(now, done);
    // More than expected: the guess is of no use any more.
    const isKnown = total !== undefined && total > 0 && done <= total;
    return {
      phase,
      done,
      ...(isKnown ? { total, percent: Math.floor((done * 100) / total) } : {}),
      totalIsEstimate: isKnown && totalIsEstimate,
      ...(perSecond === undefined ? {} : { ratePerSecond: Math.round(perSecond * 10) / 10 }),
      ...(isKnown && perSecond !== undefined && perSecond > 0
        ? { etaSeconds: Math.ceil((total - done) / perSecond) }
        : {}),
    };
  }

  #set(count: Count): void {
    if (count.phase !== this.#count.phase) {
      // The deletions are counted in one, through all their phases.
      const goesOn = isDeleting(count.phase) && isDeleting(this.#count.phase);
      if (!goesOn) {
        this.#rate = new RateMeter();
        this.#rate.sample(this.#clockMs(), count.done);
      }
    }
    this.#count = count;
  }

  #countOf(event: GarbageProgress): Count {
    if (event.step === "sweep") {
      const { phase, overallDone, overallTotal } = event;
      return {
        phase: `${DELETING}${phase}`,
        done: overallDone,
        total: overallTotal,
        totalIsEstimate: false,
      };
    }
    if (event.step === "verify") {
      const { phase, done, total } = event.progress;
      return { phase: `verifying ${phase}`, done, total, totalIsEstimate: false };
    }
    const { phase, manifests, blobs } = event.progress;
    return phase === "repositories"
      ? { phase: "reading manifests", done: manifests, ...this.#expected("manifests") }
      : { phase: "listing blobs", done: blobs, ...this.#expected("blobs") };
  }

  #expected(what: "manifests" | "blobs"): Pick<Count, "total" | "totalIsEstimate"> {
    const { found, deleted } = this.#last ?? {};
    const total = found ? found[what] - (deleted?.[what] ?? 0) : undefined;
    return { total, totalIsEstimate: true };
  }
}

const DELETING = "deleting ";

function isDeleting(phase: string): boolean {
  return phase.startsWith(DELETING);
}
