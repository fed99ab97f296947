import { DigestSet } from "../../registry/graph/digest-set.ts";
import type { DigestId } from "../../registry/graph/digest-table.ts";
import { PagedArray } from "../../registry/graph/paged-array.ts";
import { KEPT_BY_TAG, KEPT_UNLINKED, KEPT_UNTAGGED } from "./read-repository.ts";
import type { UsageModel, UsageRepository } from "./usage-model.ts";

/** Repositories that are counted together: one of them, or those of a project. */
export interface UsageGroup {
  name: string;
  repositories: readonly UsageRepository[];
}

/** What one group takes. */
export interface GroupAmounts {
  /** Of all blobs that it keeps, each once. */
  sizeBytes: number;
  /** Of those that nothing else keeps: what deleting the group frees. */
  exclusiveBytes: number;
  /** Of those that `garbage-collect -m` would free. */
  untaggedBytes: number;
  /** The layers of each tag's own image, as GitLab's console adds them up: as often as there are tags. */
  gitlabBytes: number;
  tags: number;
  manifests: number;
  /** When something was last pushed, in milliseconds since 1970. */
  lastPushMs: number | undefined;
}

/** Something that more than one group keeps. */
const SHARED = 0xffff_ffff;

/**
 * Tells what each group takes. A blob that two groups keep counts in both.
 *
 * @returns amounts in the order of the groups, and how much more than one of them keeps, each blob once
 */
export function measureGroups(
  model: UsageModel,
  groups: readonly UsageGroup[],
): { amounts: GroupAmounts[]; sharedBytes: number } {
  const owners = PagedArray.integers();
  const seen = new DigestSet();
  let sharedBytes = 0;
  const amounts = groups.map(({ repositories }, index) => {
    const owner = index + 1;
    const amount = countedAmounts(model, repositories);
    seen.clear();
    for (const { held } of repositories) {
      for (const id of held.all()) {
        if (!model.blobs.has(id) || !seen.add(id)) continue;
        const sizeBytes = model.blobs.sizeBytes(id);
        amount.sizeBytes += sizeBytes;
        if (isUntagged(model, id)) amount.untaggedBytes += sizeBytes;
        const before = owners.get(id);
        if (before !== 0 && before !== SHARED) sharedBytes += sizeBytes;
        owners.set(id, before === 0 ? owner : SHARED);
      }
    }
    return amount;
  });
  // While something could not be listed, it may keep anything.
  if (!model.isFreeable) return { amounts, sharedBytes };
  for (const id of model.blobs.ids()) {
    if (model.protectedIds.has(id)) continue;
    const amount = amounts[owners.get(id) - 1];
    if (amount) amount.exclusiveBytes += model.blobs.sizeBytes(id);
  }
  return { amounts, sharedBytes };
}

/** Tells whether `garbage-collect -m` would free a blob. */
export function isUntagged({ kept, blobs, isFreeable }: UsageModel, id: DigestId): boolean {
  if (!isFreeable || blobs.isYoung(id)) return false;
  const keeper = kept.get(id);
  return keeper !== KEPT_BY_TAG && keeper !== KEPT_UNLINKED;
}

/** Tells whether some repository keeps a blob, with `-m` or without. */
export function isHeld({ kept }: UsageModel, id: DigestId): boolean {
  const keeper = kept.get(id);
  return keeper === KEPT_BY_TAG || keeper === KEPT_UNTAGGED;
}

function countedAmounts(model: UsageModel, repositories: readonly UsageRepository[]): GroupAmounts {
  const amount = {
    ...{ sizeBytes: 0, exclusiveBytes: 0, untaggedBytes: 0, gitlabBytes: 0, tags: 0, manifests: 0 },
    lastPushMs: undefined as number | undefined,
  };
  for (const { tags, manifests, lastPushMs } of repositories) {
    amount.tags += tags.names.length;
    amount.manifests += manifests;
    for (const target of tags.targets)
      if (target !== undefined) amount.gitlabBytes += model.references.layersBytes(target);
    if (lastPushMs !== undefined) amount.lastPushMs = Math.max(amount.lastPushMs ?? lastPushMs, lastPushMs);
  }
  return amount;
}
