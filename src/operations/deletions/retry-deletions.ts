import type { DeletionRecord } from "../../state/deletion-record.ts";
import type { Deletions } from "../../state/deletions.ts";
import type { ProtectedImages } from "../tags/protected.ts";
import { protectTags } from "../tags/protected-tags.ts";
import type { RemovalOutcome, TagSource, TagTarget } from "../tags/tag-source.ts";
import { byRepository, isWanted } from "./list-deletions.ts";
import { type RemovalWait, removeWithRetries } from "./remove-with-retries.ts";
import { forgetOutdated, lookAtScheduled, recordedTarget, scheduledTags } from "./scheduled-tags.ts";

/** What `deletions retry --json` prints. */
export interface RetryReport {
  schemaVersion: 1;
  command: "deletions retry";
  dryRun: boolean;
  /** It was tried at once. */
  now: boolean;
  /** What is set back, or was tried. */
  scheduled: DeletionRecord[];
  /** Tags that are deleted now. */
  deleted: number;
  /** Those that were gone already, and those that point elsewhere by now: nobody is to delete them any more. */
  gone: number;
  moved: number;
  /** Those that could not be deleted again. */
  failed: number;
  /** Those that stay as they are protected; they stay scheduled. */
  protected: number;
  /** Those of which it could not be read whether they are; they stay scheduled, too. */
  doubtful: { repository: string; name: string; reason: string }[];
}

/** What is to be tried again. */
export interface RetryOptions {
  /** None: in all of them. */
  repositories: readonly string[];
  dryRun: boolean;
}

/**
 * Sets deletions that failed back to delete_scheduled.
 *
 * @throws {RegistryCtlError} `ERR_WRITE` if that cannot be remembered
 */
export async function scheduleDeletions(
  deletions: Deletions,
  { repositories, dryRun }: RetryOptions,
): Promise<RetryReport> {
  const wanted = ({ repository }: DeletionRecord): boolean => isWanted(repository, repositories);
  const scheduled = dryRun ? deletions.list().filter(wanted) : await deletions.schedule(wanted);
  return {
    ...{ schemaVersion: 1, command: "deletions retry", dryRun, now: false, scheduled },
    ...{ deleted: 0, gone: 0, moved: 0, failed: 0, protected: 0, doubtful: [] },
  };
}

/** Counts, for a dry run of {@link removeScheduled}, what would stay as it is protected. */
export function countProtected(report: RetryReport, images: ProtectedImages | undefined): void {
  const isProtected = (record: DeletionRecord): boolean =>
    unprotected([recordedTarget(record)], record.repository, images).length === 0;
  report.protected = report.scheduled.filter(isProtected).length;
}

/** How scheduled deletions are done. */
export interface ScheduledRemovalOptions {
  attempts: number;
  protectedImages: ProtectedImages | undefined;
  onOutcome: (repository: string, outcome: RemovalOutcome) => void;
  onWait: (wait: RemovalWait) => void;
  signal?: AbortSignal | undefined;
}

/**
 * Deletes what {@link scheduleDeletions} has set back, and adds to its report what became of it. Only tags go that still point
 * to what they pointed to.
 *
 * @throws {CancelledError} when `signal` is aborted; what is done is done
 */
export async function removeScheduled(
  { source, deletions }: { source: TagSource; deletions: Deletions },
  report: RetryReport,
  options: ScheduledRemovalOptions,
): Promise<void> {
  const { attempts, onWait, signal, protectedImages: images } = options;
  report.now = true;
  for (const { repository } of byRepository(report.scheduled)) {
    const onOutcome = (outcome: RemovalOutcome): void => {
      add(report, outcome);
      options.onOutcome(repository, outcome);
    };
    const all = scheduledTags(deletions, repository);
    // As a dry run tells, which does not look at the store.
    const open = unprotected(all, repository, images);
    report.protected += all.length - open.length;
    const { present, outdated } = await lookAtScheduled(source, repository, open, signal);
    const protections = await protectTags(source, repository, present, { images, signal });
    for (const [name, { reason, isDoubt }] of protections) {
      if (isDoubt) report.doubtful.push({ repository, name, reason });
      else report.protected++;
    }
    await forgetOutdated({ source, deletions }, repository, outdated, signal);
    for (const outcome of outdated) onOutcome(outcome);
    const tags = present.filter(({ name }) => !protections.has(name));
    if (tags.length === 0) continue;
    await source.checkRemoval?.(repository, signal);
    await removeWithRetries(source, repository, tags, {
      ...{ attempts, onWait, signal, deletions, onOutcome },
    });
  }
}

function unprotected(
  tags: readonly TagTarget[],
  repository: string,
  images: ProtectedImages | undefined,
): TagTarget[] {
  return tags.filter(({ name, digest }) => images?.protects(repository, name, digest) !== true);
}

function add(report: RetryReport, { kind }: RemovalOutcome): void {
  if (kind === "removed") report.deleted++;
  else report[kind]++;
}
