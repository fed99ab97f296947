import { CancelledError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { Deletions } from "../../state/deletions.ts";
import { type RemovalWait, removeWithRetries } from "../deletions/remove-with-retries.ts";
import { forgetOutdated, lookAtScheduled, scheduledTags } from "../deletions/scheduled-tags.ts";
import { protectTags } from "../tags/protected-tags.ts";
import type { RemovalOutcome, TagSource } from "../tags/tag-source.ts";
import type { RepositoryReport } from "./cleanup-report.ts";
import type { CleanupRules } from "./cleanup-rules.ts";
import { type DecisionOptions, decideRepository, type RepositoryDecision } from "./decide-repository.ts";

/** How a repository is cleaned. */
export interface CleaningOptions extends DecisionOptions {
  dryRun: boolean;
  /** Aborted when the deletions of this repository have taken as long as they may. */
  timeout?: AbortSignal | undefined;
  attempts?: number | undefined;
  deletions?: Deletions | undefined;
  /** Called before anything is deleted, if there is anything. */
  beforeDeleting?: (() => Promise<void>) | undefined;
  onDeleted?: (() => void) | undefined;
  onWait?: ((wait: RemovalWait) => void) | undefined;
}

/** What became of a repository, and what the next run is to know. */
export interface CleanedRepository {
  report: RepositoryReport;
  isUnfinished: boolean;
  /** Where the next run is to begin in the list of tags; only if the list was looked at as it was to be. */
  next?: { continueAfter: string | undefined };
}

/**
 * Deletes of a repository what its policy does not keep. What cannot be read or deleted is told in the report.
 *
 * @throws {CancelledError} when the signal came; what was deleted until then is deleted
 */
export async function cleanRepository(
  source: TagSource,
  { repository, project, rules }: { repository: string; project: string; rules: CleanupRules },
  options: CleaningOptions,
): Promise<CleanedRepository> {
  const report: RepositoryReport = { repository, project, tags: 0, kept: {}, deleted: [], notDeleted: [] };
  let decision: RepositoryDecision;
  try {
    decision = await decideRepository(source, repository, rules, options);
  } catch (error) {
    if (isStop(error, options.signal)) throw error;
    report.problem = messageOf(error);
    return { report, isUnfinished: true };
  }
  report.tags = decision.steps.size;
  for (const step of decision.steps.values()) {
    if (step !== "delete") report.kept[step] = (report.kept[step] ?? 0) + 1;
  }
  if (decision.problem !== undefined) {
    report.problem = decision.problem;
    return { report, isUnfinished: true };
  }
  for (const [tag, reason] of decision.doubtful) report.notDeleted.push({ tag, why: "unread", reason });
  let isComplete: boolean;
  try {
    const again = await addScheduled(source, decision, report, options);
    isComplete = await deleteDecided(source, [...decision.deletable, ...again], report, options);
  } catch (error) {
    if (isStop(error, options.signal)) throw error;
    report.problem = messageOf(error);
    isComplete = false;
  }
  const { continueAfter } = decision;
  const isUnread = report.notDeleted.some(({ why }) => why === "unread");
  const isUnfinished = !isComplete || isUnread || continueAfter !== undefined;
  return { report, isUnfinished, ...(isComplete ? { next: { continueAfter } } : {}) };
}

/** @returns whether nothing is left over */
async function deleteDecided(
  source: TagSource,
  deletable: RepositoryDecision["deletable"],
  report: RepositoryReport,
  options: CleaningOptions,
): Promise<boolean> {
  const waiting = new Map(deletable.map((tag) => [tag.name, tag]));
  const settle = (outcome: RemovalOutcome): void => {
    const tag = waiting.get(outcome.name);
    if (tag === undefined) return;
    waiting.delete(outcome.name);
    const { kind, reason, name } = outcome;
    if (kind === "removed") {
      const { digest, createdMs } = tag;
      const createdAt = createdMs === undefined ? {} : { createdAt: new Date(createdMs).toISOString() };
      report.deleted.push({ tag: name, digest, ...createdAt });
      options.onDeleted?.();
    } else report.notDeleted.push({ tag: name, why: kind, ...(reason === undefined ? {} : { reason }) });
  };
  if (options.dryRun) {
    for (const { name } of deletable) settle({ name, kind: "removed" });
    return true;
  }
  const { timeout, signal, attempts, deletions, onWait } = options;
  const signals = [signal, timeout].filter((each) => each !== undefined);
  try {
    if (deletable.length > 0) await options.beforeDeleting?.();
    await removeWithRetries(source, report.repository, deletable, {
      ...{ attempts, deletions, onWait },
      signal: AbortSignal.any(signals),
      onOutcome: settle,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    if (timeout?.aborted) {
      for (const { name } of waiting.values()) report.notDeleted.push({ tag: name, why: "no time" });
    } else report.problem = messageOf(error);
    return false;
  }
  return !report.notDeleted.some(({ why }) => why === "failed");
}

/** What could not be deleted before, and somebody has set back, whatever the policy says of it by now. */
async function addScheduled(
  source: TagSource,
  { deletable, doubtful }: RepositoryDecision,
  report: RepositoryReport,
  { deletions, protectedImages: images, dryRun, signal }: CleaningOptions,
): Promise<RepositoryDecision["deletable"]> {
  const { repository, notDeleted } = report;
  const decided = [...deletable, ...[...doubtful.keys()].map((name) => ({ name }))];
  const scheduled = scheduledTags(deletions, repository, decided);
  const { present, outdated } = await lookAtScheduled(source, repository, scheduled, signal);
  const protections = await protectTags(source, repository, present, { images, signal });
  for (const [tag, { reason, isDoubt }] of protections)
    if (isDoubt) notDeleted.push({ tag, why: "unread", reason });
  for (const { name, kind, reason } of outdated) {
    // Nothing was removed yet.
    if (kind !== "removed")
      notDeleted.push({ tag: name, why: kind, ...(reason === undefined ? {} : { reason }) });
  }
  if (!dryRun) await forgetOutdated({ source, deletions }, repository, outdated, signal);
  return present.flatMap(({ name, digest }) =>
    digest === undefined || protections.has(name) ? [] : [{ name, digest, createdMs: undefined }],
  );
}

function isStop(error: unknown, signal: AbortSignal | undefined): boolean {
  return error instanceof CancelledError || signal?.aborted === true;
}
