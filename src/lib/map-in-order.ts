/** Bounds by size, not only by number, what is ahead. */
export interface WeightLimit<Item> {
  weightOf: (item: Item) => number;
  /** What is ahead weighs no more in all, save that one item always is, however heavy. */
  maxWeight: number;
}

interface Pending<Result> {
  result: Promise<Result>;
  weight: number;
}

/**
 * Calls `work` for each item, up to `ahead` items before their results are asked for, and gives the results in the
 * order of the items. The first error ends it; what is under way then is waited for and dropped.
 */
export async function* mapInOrder<Item, Result>(
  items: AsyncIterable<Item> | Iterable<Item>,
  ahead: number,
  work: (item: Item) => Promise<Result>,
  limit?: WeightLimit<Item>,
): AsyncGenerator<Result> {
  const pending: Pending<Result>[] = [];
  const maxWeight = limit?.maxWeight ?? Number.POSITIVE_INFINITY;
  let weight = 0;
  try {
    for await (const item of items) {
      const result = work(item);
      // Its rejection is seen when its turn comes, or not at all if an earlier one ends everything.
      result.catch(() => undefined);
      const own = limit?.weightOf(item) ?? 0;
      pending.push({ result, weight: own });
      weight += own;
      while (pending.length > ahead || (weight > maxWeight && pending.length > 0)) {
        const [first] = pending.splice(0, 1);
        if (first === undefined) break;
        yield await first.result;
        weight -= first.weight;
      }
    }
    for (;;) {
      const [first] = pending.splice(0, 1);
      if (first === undefined) return;
      yield await first.result;
    }
  } finally {
    await Promise.allSettled(pending.map(({ result }) => result));
  }
}
