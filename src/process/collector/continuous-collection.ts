import { setTimeout as sleep } from "node:timers/promises";
import type { ContinuousCollectionSettings, Settings } from "../../config/settings.ts";
import type { CollectionEvent, Control } from "../../control/protocol.ts";
import type { Logger } from "../../lib/logger.ts";
import { messageOf } from "../../lib/message-of.ts";
import { isInWindow, nextInWindow } from "../../lib/time-window.ts";
import type { CommandJournal } from "../../state/command-journal.ts";
import { resultOfRun } from "./result-of-run.ts";

/** The clock on the wall is read this often: timers know nothing of a clock that is set, or of a machine that slept. */
const LOOK_EVERY_MS = 60_000;
/** Servers that start together do not collect together. */
const FIRST_WITHIN_MS = 3_600_000;
/** Of bytes and manifests: more looks like a mistake, and nobody is there to be asked. */
const MAX_DELETE_PERCENT = 30;
const WARNINGS_LOGGED = 20;
const BY = "gc of the configuration";

/** When a run began and ended, in milliseconds since 1970. */
export interface RunTimes {
  beganMs: number;
  endedMs: number;
}

/** See `CommandJournal`. */
export type CollectionJournal = Pick<CommandJournal, "note" | "end">;

/** Options of {@link ContinuousCollection}. */
export interface ContinuousCollectionOptions {
  collect: Control["collect"];
  /** When the last run of whatever kind began and ended, in milliseconds since 1970; undefined: none is known. */
  lastRun: () => RunTimes | undefined;
  /** Makes what a run is written down with, as any command that changes something; undefined: nothing is written. */
  openJournal?: ((options: readonly string[]) => CollectionJournal) | undefined;
  logger: Logger;
  /** Milliseconds since 1970; for tests. */
  nowMs?: (() => number) | undefined;
  /** 0 to less than 1; for tests. */
  random?: (() => number) | undefined;
  /** Waits; rejects when the signal is aborted; for tests. */
  sleep?: ((ms: number, signal: AbortSignal) => Promise<unknown>) | undefined;
}

/** Collects again and again while a server runs, as `gc` of its configuration says. Nothing that goes wrong ends it. */
export class ContinuousCollection {
  readonly #options: ContinuousCollectionOptions;
  readonly #nowMs: () => number;
  #settings: Settings | undefined;
  /** Aborted when other settings are in use. */
  #changed = new AbortController();
  #isStarted = false;
  #isEnded = false;
  #running: Promise<void> | undefined;

  constructor(options: ContinuousCollectionOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /** To be called when the server can be asked to collect. */
  start(settings: Settings): void {
    this.#isStarted = true;
    this.configure(settings);
  }

  /** To be called whenever other settings are in use. A run that is under way goes on as it is. */
  configure(settings: Settings): void {
    if (!this.#isStarted) return;
    const before = wantedOf(this.#settings);
    this.#settings = settings;
    const wanted = wantedOf(settings);
    if (wanted && !before) this.#tellOfStart(wanted);
    if (!wanted && before) this.#options.logger.info("the server collects no garbage by itself any more");
    this.#changed.abort();
    this.#changed = new AbortController();
    if (wanted && !this.#isEnded) this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  /** Begins no run any more. The one under way is its server's to end. */
  end(): void {
    this.#isEnded = true;
    this.#changed.abort();
  }

  async #run(): Promise<void> {
    let dueMs: number | undefined;
    for (;;) {
      const wanted = wantedOf(this.#settings);
      if (this.#isEnded || !wanted) return;
      dueMs ??= this.#firstMs(wanted);
      const atMs = wanted.window ? nextInWindow(wanted.window, dueMs) : dueMs;
      const leftMs = atMs - this.#nowMs();
      if (leftMs > 0) await this.#pause(Math.min(leftMs, LOOK_EVERY_MS));
      else if (wanted.window && !isInWindow(wanted.window, this.#nowMs())) dueMs = this.#nowMs();
      else {
        const beganMs = this.#nowMs();
        await this.#collect(wanted);
        dueMs = nextMs(wanted, { beganMs, endedMs: this.#nowMs() });
      }
    }
  }

  #firstMs(wanted: ContinuousCollectionSettings): number {
    const { intervalMs } = wanted;
    const { random = Math.random } = this.#options;
    const nowMs = this.#nowMs();
    const startMs = nowMs + random() * Math.min(intervalMs, FIRST_WITHIN_MS);
    const last = this.#options.lastRun();
    return last === undefined || last.endedMs > nowMs ? startMs : Math.max(startMs, nextMs(wanted, last));
  }

  async #collect(wanted: ContinuousCollectionSettings): Promise<void> {
    const { collect, logger } = this.#options;
    const reviewAfterMs = this.#settings?.gc.reviewAfterMs ?? 0;
    const options = optionsOf(wanted, reviewAfterMs, this.#nowMs());
    const journal = this.#options.openJournal?.(options);
    try {
      await collect({ options, by: BY }, (event) => {
        // A run that cannot begin, because another goes on, changes nothing.
        if (event.type === "started") journal?.note({ summary: `by the server itself (${BY})` });
        if (event.type === "report" || event.type === "failed") {
          const { summary, result } = resultOfRun(event);
          if (summary !== undefined) journal?.note({ summary: `${summary}, by the server itself (${BY})` });
          journal?.end(result);
        }
        this.#hear(event);
      });
    } catch (error) {
      logger.warn("garbage is not collected now", { reason: messageOf(error) });
    }
  }

  #hear(event: CollectionEvent): void {
    const { logger } = this.#options;
    if (event.type === "notice") logger.info(event.text);
    if (event.type === "report") for (const warning of warningsOf(event.report)) logger.warn(warning);
  }

  async #pause(ms: number): Promise<void> {
    const { sleep: wait = pause } = this.#options;
    await wait(ms, this.#changed.signal).catch(() => undefined);
  }

  #tellOfStart({ intervalMs, deleteUntagged, maxOpsPerSecond }: ContinuousCollectionSettings): void {
    this.#options.logger.info("the server collects garbage by itself, as gc.disabled is false", {
      intervalSeconds: Math.round(intervalMs / 1000),
      deleteUntagged,
      ...(maxOpsPerSecond > 0 ? { maxOpsPerSecond } : {}),
    });
  }
}

/** With a window it counts from the beginning: a run each night would else come every other night. */
function nextMs(
  { intervalMs, window }: ContinuousCollectionSettings,
  { beganMs, endedMs }: RunTimes,
): number {
  return window ? Math.max(endedMs, beganMs + intervalMs) : endedMs + intervalMs;
}

/** While the registry is read-only somebody wants it to stay as it is. */
function wantedOf(settings: Settings | undefined): ContinuousCollectionSettings | undefined {
  return settings === undefined || settings.readOnly ? undefined : settings.gc.continuous;
}

function optionsOf(
  { deleteUntagged, window, maxOpsPerSecond }: ContinuousCollectionSettings,
  reviewAfterMs: number,
  nowMs: number,
): string[] {
  const spared = `${reviewAfterMs}ms`;
  return [
    ...["--grace", spared, "--max-delete", `${MAX_DELETE_PERCENT}`, "--skip-if-locked"],
    ...(deleteUntagged ? ["--delete-untagged", "--untagged-for", spared] : []),
    ...(maxOpsPerSecond > 0 ? ["--max-ops", `${maxOpsPerSecond}`] : []),
    ...(window ? ["--until-ms", `${nextInWindow(complementOf(window), nowMs)}`] : []),
  ];
}

function complementOf(window: NonNullable<ContinuousCollectionSettings["window"]>): typeof window {
  return { fromMinute: window.toMinute, toMinute: window.fromMinute };
}

function warningsOf(report: unknown): string[] {
  if (typeof report !== "object" || report === null || !("warnings" in report)) return [];
  const { warnings } = report;
  if (!Array.isArray(warnings)) return [];
  return warnings.filter((each): each is string => typeof each === "string").slice(0, WARNINGS_LOGGED);
}

/** Does not keep a process alive. */
function pause(ms: number, signal: AbortSignal): Promise<unknown> {
  return sleep(ms, undefined, { signal, ref: false });
}
