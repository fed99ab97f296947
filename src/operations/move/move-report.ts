import type { TagConflict } from "../../registry/move/check-copy.ts";
import type { MoveKind } from "../../state/move-record.ts";
import type { MovePlan, PlannedRepository } from "./plan-move.ts";

/** The amounts of a move. */
export interface MoveAmounts {
  repositories: number;
  tags: number;
  manifests: number;
  /** Blobs of repositories, their manifests included; one that several repositories have counts for each. */
  blobs: number;
  historyLinks: number;
}

/** The result of a move; what `move --json` prints. */
export interface MoveReport {
  schemaVersion: 1;
  command: "move";
  kind: MoveKind;
  dryRun: boolean;
  /** By our clock. */
  startedAt: string;
  /** The name that the repositories had at first. */
  old: string;
  /** Left out where it is not yet known. */
  new?: string;
  project: boolean;
  /** It did the rest of a move that was not finished. */
  resumed: boolean;
  /** What was moved, or in a dry run what would be; by name. */
  repositories: PlannedRepository[];
  amounts: MoveAmounts;
  /** How many repositories got their name by that of a folder, and how many link by link; left out in a dry run. */
  ways?: { folders: number; links: number };
  /** Unfinished uploads that stay under the old name. */
  uploads: number;
  /** Only in a dry run: tags that both names have, and that point to different manifests. */
  conflicts: TagConflict[];
  warnings: string[];
  /** Requests that went to the store, by kind; left out where files are read without. */
  requests?: Record<string, number>;
  seconds: number;
}

/** @returns the amounts of all repositories of a plan */
export function amountsOf({ repositories }: Pick<MovePlan, "repositories">): MoveAmounts {
  const amounts = { repositories: repositories.length, tags: 0, manifests: 0, blobs: 0, historyLinks: 0 };
  for (const repository of repositories) {
    for (const each of ["tags", "manifests", "blobs", "historyLinks"] as const)
      amounts[each] += repository[each];
  }
  return amounts;
}
