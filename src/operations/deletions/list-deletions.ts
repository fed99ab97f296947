import type { DeletionRecord, DeletionState } from "../../state/deletion-record.ts";
import type { Deletions } from "../../state/deletions.ts";

/** What could not be deleted in one repository. */
export interface RepositoryDeletions {
  repository: string;
  /** `delete_failed` if anything of it is. */
  state: DeletionState;
  failed: number;
  scheduled: number;
}

/** What could not be deleted. */
export interface ListedDeletions {
  /** By name. */
  repositories: RepositoryDeletions[];
  /** By repository and name. */
  deletions: DeletionRecord[];
}

/**
 * Tells what could not be deleted. Changes nothing.
 *
 * @param wanted - repositories; none: all
 */
export function listDeletions(deletions: Deletions, wanted: readonly string[]): ListedDeletions {
  const listed = deletions.list().filter(({ repository }) => isWanted(repository, wanted));
  return { repositories: byRepository(listed), deletions: listed };
}

/** @returns how many of the records there are in each repository, in the order of the records */
export function byRepository(records: readonly DeletionRecord[]): RepositoryDeletions[] {
  const found = new Map<string, RepositoryDeletions>();
  for (const { repository, state } of records) {
    const known = found.get(repository) ?? { repository, state, failed: 0, scheduled: 0 };
    found.set(repository, known);
    if (state === "delete_failed") {
      known.failed++;
      known.state = state;
    } else known.scheduled++;
  }
  return [...found.values()];
}

/** @returns whether a repository is among those that are wanted, of which none stands for all */
export function isWanted(repository: string, wanted: readonly string[]): boolean {
  return wanted.length === 0 || wanted.includes(repository);
}
