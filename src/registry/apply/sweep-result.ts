import { type Amounts, noAmounts } from "../plan/amounts.ts";

/** So many failures are told one by one: where one deletion is denied, a million may be. */
const MAX_FAILURES_TOLD = 10_000;

/** One deletion that failed. */
export interface FailedDeletion {
  path: string;
  error: string;
}

/** What a sweep has done so far. */
export class SweepResult {
  readonly deleted: Amounts = noAmounts();
  /** The first of the deletions that failed. */
  readonly failed: FailedDeletion[] = [];
  /** How many failed. */
  failures = 0;
  /** Files that were written since they were planned, or that something is kept for. */
  kept = 0;

  /** Notes a deletion that failed. */
  fail(path: string, error: string): void {
    this.failures++;
    if (this.failed.length < MAX_FAILURES_TOLD) this.failed.push({ path, error });
  }
}
