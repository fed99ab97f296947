import { BlobHolders, type Removable } from "./blob-holders.ts";
import type { Choice } from "./choose-least.ts";

/**
 * Chooses the oldest ones until at least `wantedBytes` become free, or all of them; then what turns out unneeded is kept
 * again, the youngest first: what frees nothing, as younger ones keep the same, is not chosen either.
 *
 * @param sizes - size of each blob, by its number
 * @param oldestFirst - indexes of those that are old enough, the oldest one first
 */
export function chooseOldest(
  sizes: ArrayLike<number>,
  removables: readonly Removable[],
  oldestFirst: readonly number[],
  wantedBytes: number,
): Choice {
  const holders = new BlobHolders(sizes, removables);
  const picked: number[] = [];
  for (const index of oldestFirst) {
    if (holders.freedBytes >= wantedBytes) break;
    holders.giveUp(index);
    picked.push(index);
  }
  const chosen = holders.keepUnneeded(picked.reverse(), Math.min(wantedBytes, holders.freedBytes));
  return { chosen: chosen.sort((a, b) => a - b), freedBytes: holders.freedBytes };
}
