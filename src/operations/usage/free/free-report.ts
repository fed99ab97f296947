import type { FreeStep } from "./free-plan.ts";

/** What would free so much; what `usage free --json` prints. */
export interface FreeReport {
  schemaVersion: 1;
  command: "usage free";
  wantedBytes: number;
  /** All blob files of the store, as they are now. */
  storedBytes: number;
  /** What the steps free together. */
  freedBytes: number;
  isEnough: boolean;
  /** To be taken in this order. */
  steps: readonly ReportedStep[];
  /** With too few: what all tags, or projects, that may go would free besides. */
  restBytes?: number;
  /** Tags older than that count as old. */
  oldBefore: string;
  warnings: readonly string[];
  /** What is damaged or could not be read: nothing that it may need is proposed. */
  problems: readonly string[];
}

/** A step with what takes it. */
export interface ReportedStep extends FreeStep {
  /** The words of each command line. */
  commands: readonly (readonly string[])[];
}
