import { RegistryStateError } from "../../errors.ts";
import { formatBytes } from "../../lib/units.ts";
import type { CollectionPlan } from "../../registry/plan/collection-plan.ts";
import type { GarbageOptions } from "./garbage-options.ts";

/**
 * A store without any root looks like a mistake: a folder that is not mounted, a wrong prefix.
 *
 * @returns what is wrong, or undefined
 */
export function emptyRootsProblem(plan: CollectionPlan): RegistryStateError | undefined {
  const { found, rules, rootsAreIncomplete, eligible } = plan;
  if (rootsAreIncomplete || found.blobs === 0) return undefined;
  const missing =
    found.repositories === 0
      ? "no repository"
      : rules.deleteUntagged && found.tags === 0
        ? "not one tag"
        : undefined;
  if (missing === undefined) return undefined;
  return new RegistryStateError(
    `the store has ${missing}, but ${found.blobs} blobs, of which ${eligible.blobs} (${formatBytes(eligible.bytes)}) would go`,
    { hint: "check that all of the store is mounted; if it is so indeed, give --allow-empty" },
  );
}

/**
 * Asks, where somebody can be asked, whether more than `maxDeletePercent` may go.
 *
 * @returns what is wrong, or undefined
 * @throws {CancelledError} at "no"
 */
export async function largeDeleteProblem(
  plan: CollectionPlan,
  options: Pick<GarbageOptions, "maxDeletePercent" | "confirmLargeDelete" | "dryRun">,
): Promise<RegistryStateError | undefined> {
  const { maxDeletePercent, confirmLargeDelete, dryRun } = options;
  const excess = maxDeletePercent === undefined ? undefined : excessiveDelete(plan, maxDeletePercent);
  if (excess === undefined) return undefined;
  if (confirmLargeDelete && !dryRun) {
    await confirmLargeDelete(`${excess}, more than ${maxDeletePercent}%. Go on?`);
    return undefined;
  }
  return new RegistryStateError(`${excess}, at most ${maxDeletePercent}% may`, {
    hint: "look at the plan with --dry-run, then give a higher --max-delete",
  });
}

/** @returns what would go beyond `maxPercent` of all bytes or manifests, for people; undefined if nothing does */
export function excessiveDelete(plan: CollectionPlan, maxPercent: number): string | undefined {
  const { eligible, found } = plan;
  if (eligible.bytes * 100 > found.bytes * maxPercent) {
    return `${formatBytes(eligible.bytes)} of ${formatBytes(found.bytes)} (${percent(eligible.bytes, found.bytes)}) would go`;
  }
  if (eligible.manifests * 100 > found.manifests * maxPercent) {
    return `${eligible.manifests} of ${found.manifests} manifests (${percent(eligible.manifests, found.manifests)}) would go`;
  }
  return undefined;
}

function percent(part: number, whole: number): string {
  return `${((part * 100) / whole).toFixed(1)}%`;
}
