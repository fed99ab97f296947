import type { BackupProblem } from "./snapshot-records.ts";

const MAX_KEPT = 1000;

/** Counts what could not be had, and keeps the first thousand. */
export class ProblemLog {
  readonly first: BackupProblem[] = [];
  count = 0;
  /** Of all. */
  damaged = 0;

  add(problem: BackupProblem): void {
    this.count++;
    if (problem.kind === "damaged") this.damaged++;
    if (this.first.length < MAX_KEPT) this.first.push(problem);
  }
}
