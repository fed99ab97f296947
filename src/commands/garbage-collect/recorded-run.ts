import { CancelledError, UsageError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { GarbageProgress } from "../../operations/gc/garbage-options.ts";
import type { GarbageReport } from "../../operations/gc/garbage-report.ts";
import type { PlannedStopKind } from "../../operations/gc/planned-stop.ts";
import type { Textfile } from "../../process/files/prepare-textfile.ts";
import type { RunHistory } from "../../state/run-history.ts";
import type { RunEnd, RunRecorder } from "../../state/run-recorder.ts";
import { StoreLockedError } from "../../state/store-lock.ts";
import { renderMetrics } from "./render-metrics.ts";
import type { RunMeter } from "./run-meter.ts";

/** The state of the run is written this often. */
const WRITE_EVERY_MS = 1000;
/** Of warnings and failures so many are remembered. */
const REMEMBERED = 100;

/** Options of {@link RecordedRun}. */
export interface RecordedRunOptions {
  meter: RunMeter;
  /** Undefined: there is no state folder. */
  recorder: RunRecorder | undefined;
  /** What earlier runs have left. */
  history: RunHistory;
  textfile: Textfile | undefined;
  /** Where the store is. */
  store: string;
  exitCodeOf: (error: unknown) => number;
  onWarning: (warning: string) => void;
}

/** Lets others know of a real run: how far it is, how it ended, and the metrics of it. */
export class RecordedRun {
  readonly #options: RecordedRunOptions;
  #timer: NodeJS.Timeout | undefined;
  #changed = false;

  constructor(options: RecordedRunOptions) {
    this.#options = options;
  }

  /** To be called for each event. The first one comes when the run holds the store's lock. */
  note(event: GarbageProgress): void {
    this.#options.meter.note(event);
    this.#changed = true;
    this.#start();
  }

  /** A phase that counts nothing, and may be long; to be told at once. */
  enter(phase: string): void {
    this.#options.meter.enter(phase);
    this.#changed = true;
    this.#start();
    this.#write();
  }

  /** The run has ended with a report. Never rejects. */
  async end(report: GarbageReport, exitCode: number): Promise<void> {
    const { stopped, found, deleted } = report;
    // Somebody else holds the lock, and will tell of his own run.
    if (!found && !stopped) return;
    await this.#end({
      outcome: outcomeOf(report, exitCode),
      exitCode,
      ...this.#time(),
      ...(stopped ? { message: `${stopMessage(stopped.kind)} in the phase: ${stopped.phase}` } : {}),
      ...(found ? { found } : {}),
      deleted,
      report: shortened(report),
    });
  }

  /** The run has ended with an error. Never rejects. */
  async fail(error: unknown): Promise<void> {
    // Nothing was tried.
    if (error instanceof UsageError) return this.close();
    const exitCode = this.#options.exitCodeOf(error);
    const message = messageOf(error);
    const outcome = error instanceof CancelledError ? "stopped" : "failed";
    await this.#end(
      { outcome, exitCode, message, ...this.#time() },
      { isOthers: error instanceof StoreLockedError },
    );
  }

  /** Frees everything; to be called in any case. */
  close(): void {
    clearInterval(this.#timer);
    this.#options.textfile?.close();
  }

  #start(): void {
    if (this.#timer || !this.#options.recorder) return;
    this.#write();
    this.#timer = setInterval(() => this.#write(), WRITE_EVERY_MS);
    this.#timer.unref();
  }

  /** When nothing moves any more, the time of the last change is to be seen. */
  #write(): void {
    if (!this.#changed) return;
    this.#changed = false;
    const { meter, recorder } = this.#options;
    recorder?.update(meter.progress(), meter.seconds, new Date());
  }

  async #end(end: RunEnd, { isOthers = false } = {}): Promise<void> {
    clearInterval(this.#timer);
    const { recorder, textfile, history, store, onWarning } = this.#options;
    const isSuccess = end.outcome === "done";
    if (!isOthers) recorder?.end(end, isSuccess);
    try {
      const success = isSuccess ? end : history.lastSuccess;
      await textfile?.write(renderMetrics({ store, last: end, success, previous: textfile.previous }));
    } catch (error) {
      onWarning(`the text file was not written: ${messageOf(error)}`);
    }
    this.close();
  }

  #time(): Pick<RunEnd, "endedAt" | "seconds"> {
    return { endedAt: new Date().toISOString(), seconds: this.#options.meter.seconds };
  }
}

function outcomeOf({ stopped }: GarbageReport, exitCode: number): RunEnd["outcome"] {
  if (stopped && stopped.kind !== "server") return "stopped";
  return exitCode === 0 ? "done" : "failed";
}

function stopMessage(kind: PlannedStopKind): string {
  if (kind === "server") return "the server could not go on with it";
  return kind === "until" ? "its time was up" : "it was asked to stop";
}

function shortened(report: GarbageReport): GarbageReport {
  const { warnings, failed } = report;
  return { ...report, warnings: warnings.slice(0, REMEMBERED), failed: failed.slice(0, REMEMBERED) };
}
