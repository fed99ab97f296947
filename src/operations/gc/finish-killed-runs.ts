import { CancelledError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { isSweptPath } from "../../registry/apply/is-swept-path.ts";
import { removeFoldersAbove } from "../../registry/apply/remove-empty-folder.ts";
import { removeEmptyRepository } from "../../registry/apply/remove-empty-repository.ts";
import {
  FOLDERS_ABOVE,
  LINK_PHASES,
  SWEEP_PHASES,
  type SweepPhase,
} from "../../registry/apply/sweep-phase.ts";
import { UnsettledFolders } from "../../registry/apply/unsettled-folders.ts";
import { parentOf, REPOSITORIES_ROOT } from "../../registry/paths.ts";
import type { JournalBatch, JournalHeader } from "../../state/journal.ts";
import { listJournals } from "../../state/journal-folder.ts";
import { isEnded, markFinished, readJournal } from "../../state/read-journal.ts";
import { hasEmptyFolders } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** What {@link finishKilledRuns} gives. */
export interface FinishedRuns {
  /** Journals of runs of which nothing is left that a new plan does not find. */
  journals: string[];
  /** For people. */
  warnings: string[];
}

/** Options of {@link finishKilledRuns}. */
export interface FinishOptions {
  /** Temporary files that were last written before have no writer. */
  temporaryBeforeMs: number;
  /** Tells whether the run that wrote a journal goes on. */
  isRunning: (header: JournalHeader) => boolean;
  signal?: AbortSignal | undefined;
}

/**
 * Removes what runs that were killed, or failed, have left and no plan finds: folders that they had emptied, and no
 * others. Files are left to the next plan. What such a run has removed of links is made durable, as it cannot be any more.
 * A journal is not trusted further: what stands in it and no sweep removes is passed over.
 *
 * @param folder - of the journals
 * @throws {CancelledError} when the signal is aborted
 */
export async function finishKilledRuns(
  driver: StorageDriver,
  folder: string,
  options: FinishOptions,
): Promise<FinishedRuns> {
  const finished: FinishedRuns = { journals: [], warnings: [] };
  try {
    for (const path of listJournals(folder)) {
      if (!isEnded(path)) await finishRun(driver, path, options, finished);
    }
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    finished.warnings.push(`the journals of earlier runs were not looked at: ${messageOf(error)}`);
  }
  return finished;
}

/** Notes in their journals that killed runs have been finished, once the store has turned out to be whole. */
export function markAllFinished(journals: readonly string[], by: string): void {
  for (const path of journals) {
    try {
      markFinished(path, by);
    } catch {
      // Another run finishes it once more, which does no harm.
    }
  }
}

async function finishRun(
  driver: StorageDriver,
  path: string,
  options: FinishOptions,
  finished: FinishedRuns,
): Promise<void> {
  const unsettled = new UnsettledFolders(driver);
  try {
    const { header, end, lastPhase, unfinished } = await readJournal(path, async (batch) => {
      if (options.signal?.aborted) throw new CancelledError();
      for (const removed of linksOf(batch)) unsettled.add(parentOf(parentOf(removed)));
      await unsettled.settleMany();
    });
    if (header && options.isRunning(header)) return;
    for (const batch of unfinished) await finishBatch(driver, batch, options.temporaryBeforeMs);
    await unsettled.settle();
    finished.journals.push(path);
    if (lastPhase === undefined || !isPhase(lastPhase)) return;
    const when = header === undefined ? "an earlier run" : `the run of ${header.startedAt}`;
    const what = end === undefined ? "was killed" : "failed";
    finished.warnings.push(`${when} ${what} while it removed ${lastPhase}; this run finishes it`);
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    finished.warnings.push(`a run that was killed (${path}) was not finished: ${messageOf(error)}`);
  }
}

async function finishBatch(
  driver: StorageDriver,
  { phase, paths }: JournalBatch,
  temporaryBeforeMs: number,
): Promise<void> {
  if (!hasEmptyFolders(driver) || !isPhase(phase)) return;
  for (const path of paths) {
    if (!isSweptPath(phase, path)) continue;
    if (phase === "empty repositories") {
      await removeEmptyRepository(driver, path.slice(REPOSITORIES_ROOT.length + 1), temporaryBeforeMs);
    } else {
      await removeFoldersAbove(driver, path, FOLDERS_ABOVE[phase], temporaryBeforeMs);
    }
  }
}

/** @returns the links of a batch without which a pull fails if a power cut brings them back */
function linksOf({ phase, paths }: JournalBatch): readonly string[] {
  if (!isPhase(phase) || !LINK_PHASES.has(phase)) return [];
  return paths.filter((path) => isSweptPath(phase, path));
}

function isPhase(phase: string): phase is SweepPhase {
  return SWEEP_PHASES.some((known) => known === phase);
}
