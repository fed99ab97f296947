import { rmSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../lib/message-of.ts";
import { readRunFile, writeRunFile } from "./run-files.ts";
import {
  parseRunResult,
  parseRunStatus,
  type RunIdentity,
  type RunProgress,
  type RunResult,
  type RunStatus,
} from "./run-record.ts";

/** Folder, in a store's state folder, for what is remembered of collections. */
export const RUNS_FOLDER = "garbage-collect";
/** The run that is under way, or that was killed. */
export const RUN_FILE = "run.json";
/** How the last run ended. */
export const LAST_FILE = "last.json";
/** The last run that succeeded. */
export const LAST_SUCCESS_FILE = "last-success.json";

/** What stays the same during a run. */
export interface RunDescription {
  identity: RunIdentity;
  config: string | undefined;
  options: Record<string, unknown>;
}

/** How a run ended, apart from what is known of it anyway. */
export type RunEnd = Omit<
  RunResult,
  keyof RunIdentity | "schemaVersion" | "config" | "options" | "withoutSuccessSince"
>;

/**
 * Writes down how far a run is and how it ended, for `status` in any terminal. Nothing of this can fail the run: a
 * disk may be full, that is what is being mended.
 */
export class RunRecorder {
  readonly #folder: string;
  readonly #description: RunDescription;
  readonly #onProblem: (problem: string) => void;
  #isBegun = false;
  #problemTold = false;

  /**
   * @param stateFolder - of the store
   * @param onProblem - told once, if something cannot be written
   */
  constructor(stateFolder: string, description: RunDescription, onProblem: (problem: string) => void) {
    this.#folder = join(stateFolder, RUNS_FOLDER);
    this.#description = description;
    this.#onProblem = onProblem;
  }

  /**
   * Says how far the run is. Only for a run that holds the store's lock: a file of another run that is still there is of
   * one that was killed, and is kept as the last result.
   */
  update(progress: RunProgress, seconds: number, now: Date): void {
    this.#try(() => {
      if (!this.#isBegun) this.#keepKilledRun();
      this.#isBegun = true;
      const { identity, config, options } = this.#description;
      const status: RunStatus = {
        schemaVersion: 1,
        ...identity,
        ...(config === undefined ? {} : { config }),
        options,
        progress,
        safeToStop: true,
        seconds,
        updatedAt: now.toISOString(),
      };
      writeRunFile(join(this.#folder, RUN_FILE), status);
    });
  }

  /** Says how the run ended; as `last-success.json` too if it succeeded. */
  end(end: RunEnd, isSuccess: boolean): void {
    const { identity, config, options } = this.#description;
    const result: RunResult = {
      schemaVersion: 1,
      ...identity,
      ...(config === undefined ? {} : { config }),
      options,
      ...end,
    };
    this.#try(() => this.#writeLast(result, isSuccess));
    if (isSuccess) this.#try(() => writeRunFile(join(this.#folder, LAST_SUCCESS_FILE), result));
    // Last, so that there is no moment in which nothing is known; and also when the disk is full.
    if (this.#isBegun) this.#try(() => rmSync(join(this.#folder, RUN_FILE), { force: true }));
  }

  #keepKilledRun(): void {
    const killed = parseRunStatus(readRunFile(join(this.#folder, RUN_FILE)));
    const last = parseRunResult(readRunFile(join(this.#folder, LAST_FILE)));
    // With a result it had ended, only not removed the file.
    if (killed && killed.id !== last?.id) this.#writeLast(resultOfKilledRun(killed), false);
  }

  #writeLast(result: RunResult, isSuccess: boolean): void {
    const path = join(this.#folder, LAST_FILE);
    const hadSuccess =
      isSuccess || parseRunResult(readRunFile(join(this.#folder, LAST_SUCCESS_FILE))) !== undefined;
    const since = parseRunResult(readRunFile(path))?.withoutSuccessSince ?? result.startedAt;
    writeRunFile(path, hadSuccess ? result : { ...result, withoutSuccessSince: since });
  }

  #try(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (this.#problemTold) return;
      this.#problemTold = true;
      this.#onProblem(messageOf(error));
    }
  }
}

/** @returns the result of a run that could not write one */
export function resultOfKilledRun(run: RunStatus): RunResult {
  const { progress, safeToStop: _, updatedAt, ...rest } = run;
  const { phase, done, total, totalIsEstimate } = progress;
  const of = total === undefined || totalIsEstimate ? "" : ` of ${total}`;
  return {
    ...rest,
    outcome: "killed",
    message: `killed while ${phase} (${done}${of})`,
    endedAt: updatedAt,
  };
}
