import { RegistryStateError } from "../../errors.ts";
import type { Held } from "../hold/hold-registry.ts";

/** A registry comes back by itself: it is asked so often whether it is still as it should be. */
const LOOK_EVERY_MS = 30_000;

/**
 * Does something while a registry takes no writes, and stops it when that is not so any more.
 *
 * @throws {RegistryStateError} if it takes writes
 */
export async function whileHeld<T>(
  held: Held,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  await requireHeld(held);
  const lost = new AbortController();
  const timer = setInterval(() => {
    requireHeld(held).catch((error: unknown) => lost.abort(error));
  }, LOOK_EVERY_MS);
  try {
    const result = await work(AbortSignal.any([signal, lost.signal]));
    await requireHeld(held);
    return result;
  } finally {
    clearInterval(timer);
  }
}

async function requireHeld(held: Held): Promise<void> {
  const answer = await held.check();
  if (answer.kind !== "other") return;
  throw new RegistryStateError(`the registry takes writes again, or it cannot be told: ${answer.answer}`, {
    hint: "nothing was changed; see what started it again, then run the same command again",
  });
}
