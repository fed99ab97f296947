import type { PinKey } from "./coordination/coordination.ts";
import type { ServerContext } from "./server-context.ts";
import { watchUndecided } from "./watch-undecided.ts";

/**
 * Removes something at a client's wish while nobody, in any worker, relies on it: what is just being written on top of
 * it is finished first, and whoever comes later finds it gone. Where an attempt to remove it got no answer, nobody can
 * rely on it as long as the store may still carry that out, even if a later attempt has succeeded.
 *
 * @throws {ApiError} UNAVAILABLE if what is being written does not end in time, or may still be written
 */
export async function removeExclusively<Result>(
  context: ServerContext,
  keys: readonly PinKey[],
  remove: () => Promise<Result>,
): Promise<Result> {
  const exclusion = await context.coordination.exclude(keys);
  const undecided = watchUndecided(context.registry.driver, keys);
  try {
    return await remove();
  } finally {
    undecided.end();
    exclusion.release(undecided.keys.size > 0);
  }
}
