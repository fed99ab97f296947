import type { StepOutcome } from "./apply-repair.ts";
import type { ReportedStep, StepCounts } from "./repair-report.ts";
import type { RepairStep } from "./repair-step.ts";

/** So many steps are told one by one. */
const STEPS_TOLD = 10_000;

/** Counts what was planned and what has become of it. */
export class RepairTally {
  readonly planned: StepCounts = {};
  readonly done: StepCounts = {};
  readonly steps: ReportedStep[] = [];
  readonly #byPath = new Map<string, ReportedStep>();
  stepCount = 0;
  doneCount = 0;
  failures = 0;
  /** Fetched so far. */
  bytes = 0;
  /** To be fetched, as far as that is known. */
  plannedBytes = 0;

  /** Takes note of steps that are to be done; a second time for the same path when there was more to do. */
  plan(steps: readonly RepairStep[]): void {
    for (const step of steps) {
      const { kind, path, digest, reason } = step;
      this.stepCount++;
      this.planned[kind] = (this.planned[kind] ?? 0) + 1;
      const bytes = step.kind === "fetch-blob" ? step.sizeBytes : undefined;
      this.plannedBytes += bytes ?? 0;
      if (this.steps.length >= STEPS_TOLD) continue;
      const reported: ReportedStep = { kind, path, digest, reason, outcome: "planned" };
      if (bytes !== undefined) reported.bytes = bytes;
      this.steps.push(reported);
      this.#byPath.set(path, reported);
    }
  }

  /** Takes note of what has become of a step. */
  take({ kind, path }: RepairStep, outcome: StepOutcome): void {
    if (outcome.outcome === "done") {
      this.doneCount++;
      this.done[kind] = (this.done[kind] ?? 0) + 1;
      this.bytes += outcome.bytes ?? 0;
    }
    if (outcome.outcome === "failed") this.failures++;
    const reported = this.#byPath.get(path);
    if (reported === undefined) return;
    reported.outcome = outcome.outcome;
    if (outcome.outcome === "skipped") reported.why = outcome.why;
    if (outcome.outcome === "failed") reported.why = outcome.error;
  }
}
