import { messageOf } from "../../lib/message-of.ts";
import type { SmallReads, SynchronousFolders } from "../../storage/abilities.ts";
import { parentOf } from "../paths.ts";

/** Files that go, in the order in which they go. */
export interface DeleteFilesInput {
  paths: readonly string[];
  /** So many folders above each file go if they are empty then. */
  foldersAbove: number;
  /** A file that was written after it is kept. */
  keepWrittenAfterMs: number;
}

/** What became of a file. `kept`: it was written since it was planned. `gone`: it was not there any more. */
export type DeleteOutcome = "deleted" | "gone" | "kept" | { error: string };

/** What became of the files of a {@link DeleteFilesInput}. */
export interface DeletedFiles {
  /** By index of the paths. */
  outcomes: DeleteOutcome[];
  /** The lowest folders that stay above what is removed or gone, each once. */
  staying: string[];
  /** Indexes of files whose folder stays although no listing shows anything in it. */
  blocked: number[];
  /** Indexes of files that the store may still remove, whatever became of them until now; left out: none. */
  undecided?: number[];
}

/**
 * Removes files, each by its exact path and only after a look at its age, and the folders that are empty then. A file
 * that is gone already has its folders removed too, as a run that was killed may have left them.
 */
export function deleteFiles(driver: SynchronousFolders & SmallReads, input: DeleteFilesInput): DeletedFiles {
  const { paths, foldersAbove, keepWrittenAfterMs } = input;
  const staying = new Set<string>();
  const blocked: number[] = [];
  const outcomes = paths.map((path, index): DeleteOutcome => {
    try {
      const outcome = deleteFile(driver, path, keepWrittenAfterMs);
      if (outcome === "kept") return outcome;
      const removed = removeFolders(driver, path, foldersAbove);
      staying.add(parentOf(removed));
      if (removed === path && foldersAbove > 0 && looksEmpty(driver, parentOf(path))) blocked.push(index);
      return outcome;
    } catch (error) {
      return { error: messageOf(error) };
    }
  });
  return { outcomes, staying: [...staying], blocked };
}

function deleteFile(
  driver: SynchronousFolders & SmallReads,
  path: string,
  keepWrittenAfterMs: number,
): "deleted" | "gone" | "kept" {
  const info = driver.statFileSync(path);
  if (info === undefined) return "gone";
  if (info.modifiedMs > keepWrittenAfterMs) return "kept";
  return driver.deleteFileSync(path) ? "deleted" : "gone";
}

/** @returns the highest folder that was removed, or the path itself if none was */
function removeFolders(driver: SynchronousFolders, path: string, count: number): string {
  let removed = path;
  try {
    for (let left = count; left > 0; left--) {
      const folder = parentOf(removed);
      if (!driver.removeFolderSync(folder)) break;
      removed = folder;
    }
  } catch {
    // An empty folder that stays behind does no harm, so that it is no failure.
  }
  return removed;
}

function looksEmpty(driver: SynchronousFolders, folder: string): boolean {
  try {
    return driver.listNamesSync(folder)?.length === 0;
  } catch {
    return false;
  }
}
