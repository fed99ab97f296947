import type { Difference, DifferenceKind } from "./against-report.ts";
import { DIFFERENCE_KINDS } from "./against-report.ts";

/** So many are told by path, the rest is counted. */
const KEPT = 1000;

/** Collects differences in bounded memory. */
export class DifferenceLog {
  readonly first: Difference[] = [];
  readonly #counts = new Map<DifferenceKind, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(difference: Difference): void {
    this.#total++;
    this.#counts.set(difference.kind, (this.#counts.get(difference.kind) ?? 0) + 1);
    if (this.first.length < KEPT) this.first.push(difference);
  }

  /** How many there are of each kind that there is. */
  byKind(): Partial<Record<DifferenceKind, number>> {
    return Object.fromEntries(
      DIFFERENCE_KINDS.flatMap((kind) => {
        const count = this.#counts.get(kind);
        return count === undefined ? [] : [[kind, count]];
      }),
    );
  }
}
