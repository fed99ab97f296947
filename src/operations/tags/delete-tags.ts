import { CancelledError } from "../../errors.ts";
import { countOf } from "../../lib/count-of.ts";
import { SweepPace } from "../../registry/apply/sweep-pace.ts";
import type { Deletions } from "../../state/deletions.ts";
import { type RemovalWait, removeWithRetries } from "../deletions/remove-with-retries.ts";
import { scheduledTags } from "../deletions/scheduled-tags.ts";
import type { TagDeletionReport } from "./delete-report.ts";
import { planDeletion, type TagSelection } from "./plan-deletion.ts";
import type { ProtectedImages } from "./protected.ts";
import type { RemovalOutcome, TagSource, TagTarget } from "./tag-source.ts";

/** What a deletion of tags works with. */
export interface TagDeletionDependencies {
  source: TagSource;
  /** Our clock, in milliseconds since 1970. */
  nowMs: () => number;
  /** Where what fails in the end is remembered; undefined: nowhere. */
  deletions: Deletions | undefined;
}

/** What somebody wants of a deletion of tags. */
export interface TagDeletionOptions {
  repository: string;
  selection: TagSelection;
  /** Stay, whatever the selection says; undefined: nothing is protected. */
  protectedImages: ProtectedImages | undefined;
  dryRun: boolean;
  /** Tags a second, at the most; undefined: as fast as it goes. */
  ratePerSecond: number | undefined;
  /** How often a tag that fails for a reason that may pass is tried in all; undefined: as often as is usual. */
  attempts: number | undefined;
  /** Called with the plan before anything is deleted, if there is anything to delete; rejects at "no". */
  confirm: (report: TagDeletionReport) => Promise<void>;
  /** Called for each tag that is settled, with the digest that it had. */
  onOutcome: (outcome: RemovalOutcome, tag: TagTarget | undefined) => void;
  onProgress: (done: number, total: number) => void;
  onWait: (wait: RemovalWait) => void;
  signal?: AbortSignal | undefined;
}

/**
 * Deletes tags of one repository. Manifests stay, and so do other tags on the same digest. What fails for a reason that may
 * pass is tried again.
 *
 * @throws {CancelledError} when `signal` is aborted or `confirm` rejects; what is done is done
 * @throws {StorageUnavailableError} if the tags cannot be listed
 */
export async function deleteTags(
  { source, nowMs, deletions }: TagDeletionDependencies,
  options: TagDeletionOptions,
): Promise<TagDeletionReport> {
  const startedMs = nowMs();
  const { repository, dryRun, signal, onProgress } = options;
  const { report, targets, untagged } = await planDeletion(source, options);
  addScheduled(report, targets, deletions, options);
  const finished = (): TagDeletionReport => ({
    ...report,
    untaggedManifests: untagged.size,
    seconds: Math.round(nowMs() - startedMs) / 1000,
  });
  if (dryRun) return finished();
  if (targets.length > 0) {
    await source.checkRemoval?.(repository, signal);
    await options.confirm(report);
  }
  const byName = new Map(targets.map((tag) => [tag.name, tag]));
  let settled = 0;
  const onOutcome = (outcome: RemovalOutcome): void => {
    const tag = byName.get(outcome.name);
    options.onOutcome(outcome, tag);
    if (outcome.kind === "failed" && tag?.digest !== undefined) untagged.delete(tag.digest);
    addOutcome(report, outcome);
    onProgress(++settled, targets.length);
  };
  const pace = new SweepPace({ maxOpsPerSecond: options.ratePerSecond ?? 0, rests: false, signal });
  const together = pace.batchFiles(targets.length);
  try {
    for (let start = 0; start < targets.length; start += together) {
      const some = targets.slice(start, start + together);
      await pace.begin(some.length);
      if (signal?.aborted) throw new CancelledError();
      await removeWithRetries(source, repository, some, {
        ...{ deletions, signal, onOutcome, onWait: options.onWait },
        ...(options.attempts === undefined ? {} : { attempts: options.attempts }),
      });
    }
    if (report.unknown.length > 0) await source.sweepLeftovers?.(repository, report.unknown, signal);
  } catch (error) {
    throw error instanceof CancelledError ? stoppedError(error, report) : error;
  }
  return finished();
}

/** What could not be deleted before, and somebody has set back, goes with the rest. */
function addScheduled(
  report: TagDeletionReport,
  targets: TagTarget[],
  deletions: Deletions | undefined,
  { repository, protectedImages }: TagDeletionOptions,
): void {
  // What this selection keeps, it keeps whoever wanted it gone before.
  const decided = [...targets, ...report.kept, ...report.doubtful];
  const again = scheduledTags(deletions, repository, decided).filter(
    ({ name, digest }) => protectedImages?.protects(repository, name, digest) !== true,
  );
  if (again.length === 0) return;
  for (const { name, digest } of again) {
    targets.push({ name, digest });
    report.planned.push({
      name,
      ...(digest === undefined ? {} : { digest }),
      siblings: 0,
      firstSiblings: [],
    });
  }
  const unnamed = new Set(again.map(({ name }) => name));
  report.unknown = report.unknown.filter((name) => !unnamed.has(name));
  report.warnings.push(
    `${countOf(again.length, "tag")} that could not be deleted before: see registry-ctl deletions`,
  );
}

function addOutcome(report: TagDeletionReport, { name, kind, reason = "unknown" }: RemovalOutcome): void {
  if (kind === "removed") report.deleted++;
  else if (kind === "gone") report.gone.push(name);
  else if (kind === "moved") report.moved.push({ name, reason });
  else report.failed.push({ name, reason });
  if (kind === "removed" && reason !== "unknown") report.warnings.push(`${name}: ${reason}`);
}

function stoppedError(cause: CancelledError, { deleted, planned }: TagDeletionReport): CancelledError {
  const done =
    deleted === 0
      ? "before anything was deleted"
      : `when ${countOf(deleted, "tag")} of ${planned.length} had been deleted`;
  return new CancelledError(`stopped ${done}`, { cause, hint: "run it again to delete the rest" });
}
