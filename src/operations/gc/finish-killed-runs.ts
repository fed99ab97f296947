import { removeFoldersAbove } from "../../registry/apply/remove-empty-folder.ts";
import { removeEmptyRepository } from "../../registry/apply/remove-empty-repository.ts";
import {
  FOLDERS_ABOVE,
  LINK_PHASES,
  SWEEP_PHASES,
  type SweepPhase,
} from "../../registry/apply/sweep-phase.ts";
import { REPOSITORIES_ROOT, ROOT } from "../../registry/paths.ts";
import type { JournalBatch, JournalHeader } from "../../state/journal.ts";
import { listJournals } from "../../state/journal-folder.ts";
import { isEnded, readJournal } from "../../state/read-journal.ts";
import { canSettleRemovals, hasEmptyFolders } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** So many folders are remembered until they are synced. */
const MAX_UNSETTLED_FOLDERS = 10_000;

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
}

/**
 * Removes what runs that were killed have left and no plan finds: folders that they had emptied, and no others. Files
 * are left to the next plan. What such a run has removed of links is made durable, as it cannot be any more.
 *
 * @param folder - of the journals
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
    finished.warnings.push(`the journals of earlier runs were not looked at: ${messageOf(error)}`);
  }
  return finished;
}

async function finishRun(
  driver: StorageDriver,
  path: string,
  options: FinishOptions,
  finished: FinishedRuns,
): Promise<void> {
  const links = new SettledLinks(driver);
  try {
    const { header, lastPhase, unfinished } = await readJournal(path, (batch) => links.add(batch));
    if (header && options.isRunning(header)) return;
    for (const batch of unfinished) await finishBatch(driver, batch, options.temporaryBeforeMs);
    await links.settle();
    finished.journals.push(path);
    if (lastPhase === undefined) return;
    const when = header === undefined ? "an earlier run" : `the run of ${header.startedAt}`;
    finished.warnings.push(`${when} was killed while it removed ${lastPhase}; this run finishes it`);
  } catch (error) {
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
    if (phase === "empty repositories") {
      if (!path.startsWith(`${REPOSITORIES_ROOT}/`)) continue;
      await removeEmptyRepository(driver, path.slice(REPOSITORIES_ROOT.length + 1), temporaryBeforeMs);
    } else if (path.startsWith(`${ROOT}/`)) {
      await removeFoldersAbove(driver, path, FOLDERS_ABOVE[phase], temporaryBeforeMs);
    }
  }
}

/** Folders in which a killed run has removed links. */
class SettledLinks {
  readonly #driver: StorageDriver;
  readonly #folders = new Set<string>();

  constructor(driver: StorageDriver) {
    this.#driver = driver;
  }

  async add({ phase, paths }: JournalBatch): Promise<void> {
    if (!isPhase(phase) || !LINK_PHASES.has(phase)) return;
    for (const path of paths) {
      if (path.startsWith(`${ROOT}/`)) this.#folders.add(parentOf(parentOf(path)));
    }
    if (this.#folders.size >= MAX_UNSETTLED_FOLDERS) await this.settle();
  }

  async settle(): Promise<void> {
    if (canSettleRemovals(this.#driver)) await this.#driver.settleRemovals(this.#folders);
    this.#folders.clear();
  }
}

function isPhase(phase: string): phase is SweepPhase {
  return SWEEP_PHASES.some((known) => known === phase);
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
