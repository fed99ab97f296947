import { DigestSet } from "../../../registry/graph/digest-set.ts";
import { PagedArray } from "../../../registry/graph/paged-array.ts";
import { KEPT_UNTAGGED } from "../read-repository.ts";
import type { UsageModel } from "../usage-model.ts";
import type { Removable } from "./blob-holders.ts";
import type { TagGroup } from "./tag-groups.ts";

/** What of a store stays whatever tags go, and what is left of it for those that may go. */
export class StayingBlobs {
  readonly #model: UsageModel;
  readonly #stays = PagedArray.bytes();
  /** Of the removable that is put together at the moment. */
  readonly #own = new DigestSet();

  /** @param staying - tags that stay */
  constructor(model: UsageModel, staying: Iterable<TagGroup>) {
    this.#model = model;
    for (const { needs } of staying) for (const id of needs.all()) this.#stays.set(id, 1);
  }

  /** @returns a number for each digest's blob, as {@link removable} numbers them: its size */
  static sizesOf(model: UsageModel): Float64Array {
    let last = -1;
    for (const id of model.table.ids()) last = id;
    const sizes = new Float64Array(last + 1);
    for (const id of model.blobs.ids()) sizes[id] = model.blobs.sizeBytes(id);
    return sizes;
  }

  /** @returns what goes when all of `groups` go, as far as nothing that stays needs it */
  removable(groups: readonly TagGroup[], cost: number): Removable {
    const { blobs, standing } = this.#model;
    this.#own.clear();
    for (const { needs } of groups) {
      for (const id of needs.all()) {
        const stays = this.#stays.get(id) === 1 || standing?.get(id) === 1;
        if (!stays && blobs.sizeBytes(id) > 0 && !blobs.isYoung(id)) this.#own.add(id);
      }
    }
    return { cost, blobs: Uint32Array.from(this.#own.members()) };
  }
}

/** @returns what nothing keeps, and what only manifests without a tag keep, in bytes: what is young not counted */
export function collectableBytes(model: UsageModel): { orphans: number; untagged: number } {
  const bytes = { orphans: 0, untagged: 0 };
  const { blobs, kept } = model;
  for (const id of blobs.ids()) {
    if (blobs.isYoung(id)) continue;
    const keeper = kept.get(id);
    if (keeper === 0) bytes.orphans += blobs.sizeBytes(id);
    else if (keeper === KEPT_UNTAGGED) bytes.untagged += blobs.sizeBytes(id);
  }
  return bytes;
}
