import type { Finding, FindingKind } from "../verify-report.ts";
import type { LeftDamage, RepairKind, UnreadableTag } from "./repair-step.ts";

/** One step as reports show it. */
export interface ReportedStep {
  kind: RepairKind;
  path: string;
  digest: string;
  /** Of a blob that is fetched, as far as that is known. */
  bytes?: number;
  reason: string;
  /** `planned`: it is not done in a dry run, or was not reached. */
  outcome: "planned" | "done" | "skipped" | "failed";
  /** Why it was skipped or has failed. */
  why?: string;
}

/** How many steps of each kind there are. */
export type StepCounts = Partial<Record<RepairKind, number>>;

/** The result of a repair; what `verify --repair --json` prints. */
export interface RepairReport {
  schemaVersion: 1;
  command: "verify --repair";
  dryRun: boolean;
  /** By our clock. */
  startedAt: string;
  /** Where blobs are fetched from; left out if nowhere. */
  from?: string;
  /** What was planned, of each kind. */
  planned: StepCounts;
  /** What was done, of each kind. */
  done: StepCounts;
  /** Bytes that are to be fetched, or were. */
  bytes: number;
  /** How many steps there are; the list has the first ten thousand. */
  stepCount: number;
  steps: readonly ReportedStep[];
  /** How many steps have failed. */
  failures: number;
  /** What is not repaired, and why: the first thousand. */
  left: readonly LeftDamage[];
  leftCount: number;
  /** Tags that are never guessed. */
  unreadableTags: readonly UnreadableTag[];
  /** What the last look at the store has found wrong: in a dry run the only one. */
  found: {
    problemCount: number;
    counts: Partial<Record<FindingKind, number>>;
    problems: readonly Finding[];
    uncheckedCount: number;
    unchecked: readonly { path: string; error: string }[];
  };
  warnings: readonly string[];
  /** Path of the journal; left out if there is none. */
  journal?: string;
  /** Requests that went to the store, by kind; left out where files are read without. */
  requests?: Record<string, number>;
  seconds: number;
}
