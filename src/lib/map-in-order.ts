/**
 * Calls `work` for each item, up to `ahead` items before their results are asked for, and gives the results in the
 * order of the items. The first error ends it; what is under way then is waited for and dropped.
 */
export async function* mapInOrder<Item, Result>(
  items: AsyncIterable<Item> | Iterable<Item>,
  ahead: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const pending: Promise<Result>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      // Its rejection is seen when its turn comes, or not at all if an earlier one ends everything.
      result.catch(() => undefined);
      pending.push(result);
      if (pending.length > ahead) yield* next(pending);
    }
    while (pending.length > 0) yield* next(pending);
  } finally {
    await Promise.allSettled(pending);
  }
}

async function* next<Result>(pending: Promise<Result>[]): AsyncGenerator<Result> {
  const [first] = pending.splice(0, 1);
  if (first) yield await first;
}
