import type { DigestId } from "../graph/digest-table.ts";
import { NumberList } from "../graph/number-list.ts";

/** The blobs that go, in key order, with the repository that last had each. */
export class BlobPlan {
  readonly #ids = NumberList.integers();
  readonly #sizes = NumberList.numbers();
  readonly #owners = NumberList.integers();

  get length(): number {
    return this.#ids.length;
  }

  /** @param owner - number of a repository that linked the blob, 0 for none */
  push(id: DigestId, sizeBytes: number, owner: number): void {
    this.#ids.push(id);
    this.#sizes.push(sizeBytes);
    this.#owners.push(owner);
  }

  id(index: number): DigestId {
    return this.#ids.at(index);
  }

  sizeBytes(index: number): number {
    return this.#sizes.at(index);
  }

  /** The indexes of the blobs of each repository number, for a report by repository. */
  byOwner(): Map<number, NumberList> {
    const groups = new Map<number, NumberList>();
    for (let index = 0; index < this.length; index++) {
      const owner = this.#owners.at(index);
      const group = groups.get(owner) ?? NumberList.integers();
      group.push(index);
      groups.set(owner, group);
    }
    return groups;
  }
}
