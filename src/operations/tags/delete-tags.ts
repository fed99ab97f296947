import { CancelledError } from "../../errors.ts";
import { byName } from "../../lib/compare-text.ts";
import { countOf } from "../../lib/count-of.ts";
import { SweepPace } from "../../registry/apply/sweep-pace.ts";
import type { Deletions } from "../../state/deletions.ts";
import { type RemovalWait, removeWithRetries } from "../deletions/remove-with-retries.ts";
import { forgetOutdated, lookAtScheduled, scheduledTags } from "../deletions/scheduled-tags.ts";
import type { KeptTag, TagDeletionReport } from "./delete-report.ts";
import { type DeletionPlan, planDeletion, SIBLINGS_TOLD, type TagSelection } from "./plan-deletion.ts";
import type { ProtectedImages } from "./protected.ts";
import { protectTags } from "./protected-tags.ts";
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
  const plan = await planDeletion(source, options);
  const { report, targets, untagged } = plan;
  const outdated = await addScheduled(plan, source, deletions, options);
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
  await forgetOutdated({ source, deletions }, repository, outdated, signal);
  for (const outcome of outdated) options.onOutcome(outcome, undefined);
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

/**
 * What could not be deleted before, and somebody has set back, goes with the rest.
 *
 * @returns what of it is told in the report already, as it is not to go any more
 */
async function addScheduled(
  { report, targets, untagged }: DeletionPlan,
  source: TagSource,
  deletions: Deletions | undefined,
  { repository, protectedImages, signal }: TagDeletionOptions,
): Promise<RemovalOutcome[]> {
  // What this selection keeps, it keeps whoever wanted it gone before.
  const decided = [...targets, ...report.kept, ...report.doubtful];
  const scheduled = scheduledTags(deletions, repository, decided);
  const { present, outdated } = await lookAtScheduled(source, repository, scheduled, signal);
  const protections = await protectTags(source, repository, present, { images: protectedImages, signal });
  const again = present.filter(({ name }) => !protections.has(name));
  for (const [name, { reason, isDoubt }] of protections)
    addKept(isDoubt ? report.doubtful : report.kept, { name, reason });
  for (const outcome of outdated) addOutcome(report, outcome);
  const told = new Set(scheduled.map(({ name }) => name));
  report.unknown = report.unknown.filter((name) => !told.has(name));
  if (again.length === 0) return outdated;
  targets.push(...again.map(({ name, digest }) => ({ name, digest })));
  const going = new Set(targets.map(({ name }) => name));
  for (const { name, digest, others } of again) {
    const siblings = others.filter((each) => !going.has(each));
    if (digest !== undefined && siblings.length === 0) untagged.add(digest);
    report.planned.push({
      name,
      ...(digest === undefined ? {} : { digest }),
      siblings: siblings.length,
      firstSiblings: siblings.slice(0, SIBLINGS_TOLD),
    });
  }
  report.planned.sort(byName);
  report.warnings.push(
    `${countOf(again.length, "tag")} that could not be deleted before: see registry-ctl deletions`,
  );
  return outdated;
}

/** By name. */
function addKept(kept: KeptTag[], tag: KeptTag): void {
  kept.push(tag);
  kept.sort(byName);
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
