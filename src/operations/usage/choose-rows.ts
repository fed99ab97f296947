import { byName } from "../../lib/compare-text.ts";
import type { SortKey, UsageRow } from "./usage-report.ts";

/** Which rows are shown, and in which order. */
export interface RowChoice {
  sort: SortKey;
  /** At most so many; undefined: all. */
  top: number | undefined;
  /** Only what was pushed from this moment on, in milliseconds since 1970; undefined: everything. */
  sinceMs: number | undefined;
  /** Only what is larger; undefined: everything. */
  overBytes: number | undefined;
  /** By which size `overBytes` asks: that of blobs, or as GitLab's console adds it up. */
  overBy: "sizeBytes" | "gitlabBytes";
}

/** While rows come, at most this many times as many are remembered as are wanted. */
const SLACK = 4;

/** Takes rows one after the other and keeps those that are wanted: of millions no more than a few times `top`. */
export class ChosenRows {
  readonly #choice: RowChoice;
  readonly #compare: (a: UsageRow, b: UsageRow) => number;
  #rows: UsageRow[] = [];
  #count = 0;

  constructor(choice: RowChoice) {
    this.#choice = choice;
    const key = choice.sort;
    const value = VALUES[key];
    this.#compare = value ? (a, b) => value(b) - value(a) || byName(a, b) : byName;
  }

  add(row: UsageRow): void {
    const { sinceMs, overBytes, overBy, top } = this.#choice;
    if (sinceMs !== undefined && !(Date.parse(row.lastPushAt ?? "") >= sinceMs)) return;
    if (overBytes !== undefined && !((row[overBy] ?? 0) > overBytes)) return;
    this.#count++;
    this.#rows.push(row);
    if (top !== undefined && this.#rows.length > SLACK * Math.max(top, 1)) this.#cut();
  }

  /** @returns the rows in order, and how many `top` has left out */
  finish(): { rows: UsageRow[]; leftOut: number } {
    this.#cut();
    return { rows: this.#rows, leftOut: this.#count - this.#rows.length };
  }

  #cut(): void {
    this.#rows.sort(this.#compare);
    this.#rows = this.#rows.slice(0, this.#choice.top);
  }
}

const VALUES: Readonly<Record<SortKey, ((row: UsageRow) => number) | undefined>> = {
  name: undefined,
  size: (row) => row.sizeBytes,
  shared: (row) => row.sharedBytes ?? 0,
  exclusive: (row) => row.exclusiveBytes ?? 0,
  untagged: (row) => row.untaggedBytes ?? 0,
  gitlab: (row) => row.gitlabBytes ?? 0,
  tags: (row) => row.tags ?? 0,
  manifests: (row) => row.manifests ?? 0,
  pushed: (row) => (row.lastPushAt === undefined ? 0 : Date.parse(row.lastPushAt)),
};
