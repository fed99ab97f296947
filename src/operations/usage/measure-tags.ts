import { PagedArray } from "../../registry/graph/paged-array.ts";
import type { UsageModel } from "./usage-model.ts";

/** What one tag takes. */
export interface TagAmounts {
  /** Of all blobs that it needs, each once. */
  sizeBytes: number;
  /** Of those that `garbage-collect -m` frees once the tag is deleted, and no other. */
  exclusiveBytes: number;
}

/** Something that more than one tag needs, or that is kept without one too. */
const SHARED = 0xffff_ffff;

/** Tells what each tag takes, in the order of the repositories and of their tags; of a model with `wantsTagNeeds`. */
export function measureTags(model: UsageModel): TagAmounts[] {
  const { blobs } = model;
  const owners = PagedArray.integers();
  const amounts: TagAmounts[] = [];
  for (const { tags } of model.repositories) {
    for (const needs of tags.needs ?? []) {
      const amount = { sizeBytes: 0, exclusiveBytes: 0 };
      amounts.push(amount);
      for (const id of needs.all()) {
        amount.sizeBytes += blobs.sizeBytes(id);
        owners.set(id, owners.get(id) === 0 ? amounts.length : SHARED);
      }
    }
    for (const id of tags.keptBesides?.all() ?? []) owners.set(id, SHARED);
  }
  if (!model.isFreeable) return amounts;
  for (const id of blobs.ids()) {
    if (model.protectedIds.has(id)) continue;
    const amount = amounts[owners.get(id) - 1];
    if (amount) amount.exclusiveBytes += blobs.sizeBytes(id);
  }
  return amounts;
}
