import { BlobHolders, type Removable } from "./blob-holders.ts";
import { ScoreQueue } from "./score-queue.ts";

/** What was chosen to be given up. */
export interface Choice {
  /** Indexes in ascending order. */
  chosen: readonly number[];
  /** What is free when all of them are given up. */
  freedBytes: number;
}

/** By what the next one is chosen. */
type Rule = "freed" | "share";

/**
 * Chooses what to give up so that at least `wantedBytes` become free, at little cost. To find the least is NP-hard (a blob
 * is free only when the last one that keeps it has gone), so that two greedy choices are made and the cheaper one is taken:
 * - by the bytes that giving up one more frees at once, for each unit of its cost; where that is equal, by its share;
 * - by its share alone: of each blob the size divided by the number of those that keep it, so that things which keep large
 *   blobs together are found, of which each alone would free nothing.
 *
 * Of both, what turns out unneeded is kept again, so that of the chosen ones each is needed. A share is computed anew only
 * when those that keep a blob have become half as many, or one: it is at most twice too small, and the time is
 * proportional to the number of references, but for the queue.
 *
 * @param sizes - size of each blob, by its number
 * @param wantedBytes - more than 0
 * @returns undefined if giving up all of them frees less
 */
export function chooseLeast(
  sizes: ArrayLike<number>,
  removables: readonly Removable[],
  wantedBytes: number,
): Choice | undefined {
  const choices = (["freed", "share"] as const).map((rule) =>
    new Chooser(sizes, removables, rule).choose(wantedBytes),
  );
  const costOf = ({ chosen }: Choice): number =>
    chosen.reduce((sum, index) => sum + (removables[index]?.cost ?? 0), 0);
  let best: Choice | undefined;
  for (const choice of choices) {
    if (choice && (best === undefined || costOf(choice) < costOf(best))) best = choice;
  }
  return best;
}

class Chooser {
  readonly #removables: readonly Removable[];
  readonly #rule: Rule;
  readonly #holders: BlobHolders;
  /** How many kept each blob when its share was last computed. */
  readonly #levels: Uint32Array;
  /** What giving up each would free now. */
  readonly #alone: Float64Array;
  readonly #shares: Float64Array;
  readonly #queue: ScoreQueue;

  constructor(sizes: ArrayLike<number>, removables: readonly Removable[], rule: Rule) {
    this.#removables = removables;
    this.#rule = rule;
    this.#holders = new BlobHolders(sizes, removables);
    this.#levels = Uint32Array.from(sizes, (_, blob) => this.#holders.count(blob));
    this.#alone = Float64Array.from(removables, (_, index) => this.#holders.bytesOf(index));
    this.#shares = Float64Array.from(removables, ({ blobs }) =>
      blobs.reduce((sum, blob) => sum + this.#holders.sizeOf(blob) / this.#holders.count(blob), 0),
    );
    this.#queue = new ScoreQueue(removables.length);
  }

  choose(wantedBytes: number): Choice | undefined {
    const holders = this.#holders;
    if (holders.allBytes < wantedBytes) return undefined;
    for (const index of this.#removables.keys()) this.#enqueue(index);
    const picked: number[] = [];
    while (holders.freedBytes < wantedBytes) {
      const index = this.#queue.take();
      if (index === undefined) return undefined;
      holders.giveUp(index);
      picked.push(index);
      this.#update(index);
    }
    // Those that were chosen last bring least.
    const chosen = holders.keepUnneeded(picked.reverse(), wantedBytes);
    return { chosen: chosen.sort((a, b) => a - b), freedBytes: holders.freedBytes };
  }

  /** What others keep together with one that was just given up counts more from now on. */
  #update(given: number): void {
    const holders = this.#holders;
    const changed = new Set<number>();
    for (const blob of this.#removables[given]?.blobs ?? []) {
      const count = holders.count(blob);
      const level = this.#levels[blob] ?? 0;
      if (count === 0 || (count > 1 && 2 * count > level)) continue;
      this.#levels[blob] = count;
      const more = holders.sizeOf(blob) / count - holders.sizeOf(blob) / level;
      holders.forEachHolder(blob, (index) => {
        this.#shares[index] = (this.#shares[index] ?? 0) + more;
        if (count === 1) this.#alone[index] = (this.#alone[index] ?? 0) + holders.sizeOf(blob);
        changed.add(index);
      });
    }
    for (const index of changed) this.#enqueue(index);
  }

  #enqueue(index: number): void {
    const cost = this.#removables[index]?.cost ?? 1;
    const share = (this.#shares[index] ?? 0) / cost;
    if (this.#rule === "share") this.#queue.set(index, share);
    else this.#queue.set(index, (this.#alone[index] ?? 0) / cost, share);
  }
}
