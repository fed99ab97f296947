import { CancelledError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { Deletions } from "../../state/deletions.ts";
import { type RemovalWait, removeWithRetries } from "../deletions/remove-with-retries.ts";
import { scheduledTags } from "../deletions/scheduled-tags.ts";
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
  const isComplete = await deleteDecided(source, decision, report, options);
  const { continueAfter } = decision;
  const isUnfinished = !isComplete || continueAfter !== undefined;
  return { report, isUnfinished, ...(isComplete ? { next: { continueAfter } } : {}) };
}

/** @returns whether nothing is left over */
async function deleteDecided(
  source: TagSource,
  decision: RepositoryDecision,
  report: RepositoryReport,
  options: CleaningOptions,
): Promise<boolean> {
  const deletable = [...decision.deletable, ...scheduled(decision, report.repository, options)];
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
function scheduled(
  { deletable }: RepositoryDecision,
  repository: string,
  { deletions, isProtected }: CleaningOptions,
): RepositoryDecision["deletable"] {
  return scheduledTags(deletions, repository, deletable).flatMap(({ name, digest }) =>
    digest === undefined || isProtected({ repository, name, digest })
      ? []
      : [{ name, digest, createdMs: undefined }],
  );
}

function isStop(error: unknown, signal: AbortSignal | undefined): boolean {
  return error instanceof CancelledError || signal?.aborted === true;
}
