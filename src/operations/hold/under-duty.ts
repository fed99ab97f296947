import { RegistryCtlError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { Undo } from "../../state/duty.ts";
import type { DutyWatch, Held, HeldByDuty, HoldDependencies, HoldOptions } from "./hold-registry.ts";

/** What {@link underDuty} holds. */
export interface DutyChange extends Pick<Held, "how" | "check"> {
  undo: Undo;
  /** Makes the change. When it fails, what it has done is undone. */
  change: () => Promise<void>;
}

/**
 * Makes a change that is undone in any case: what has to be undone is on the disk, and watched over, before it begins.
 *
 * @throws what `change` throws, when all is as before; where that failed too, the message says so
 */
export async function underDuty(
  dependencies: HoldDependencies,
  options: HoldOptions,
  { undo, change, how, check }: DutyChange,
): Promise<HeldByDuty> {
  const { duties, place, holder, store, nowMs } = dependencies;
  const { reason, by } = options;
  const madeAt = new Date(nowMs()).toISOString();
  const kept = duties.add({ reason, by, store, madeAt, holder, place, undo });
  let watch: DutyWatch;
  try {
    watch = await dependencies.watch(kept);
  } catch (error) {
    duties.remove(kept.file);
    throw error;
  }
  try {
    options.signal.throwIfAborted();
    await change();
  } catch (error) {
    await giveUp(watch, error);
    throw error;
  }
  let ended: Promise<void> | undefined;
  const keep: HeldByDuty["keep"] = async (untilMs) => {
    const until = untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() };
    const lasting = duties.add({ reason, by, store, madeAt, place, undo, ...until });
    duties.remove(kept.file);
    ended = Promise.resolve();
    await watch.stop();
    return lasting;
  };
  return {
    how,
    check,
    release: () => {
      ended ??= watch.end();
      return ended;
    },
    keep,
    keepOn: async () => void (await keep(undefined)),
  };
}

async function giveUp(watch: DutyWatch, cause: unknown): Promise<void> {
  try {
    await watch.end();
  } catch (error) {
    const hint = error instanceof RegistryCtlError ? error.hint : undefined;
    throw new RegistryCtlError(
      "ERR_NOT_RESTORED",
      `${messageOf(cause)}; and the registry could not be brought back to what it was: ${messageOf(error)}`,
      { cause, hint: hint ?? 'put that right, then run "registry-ctl recover"' },
    );
  }
}

/** @returns what `work` gives, unless the signal comes first. The work goes on then. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (onAbort) signal.removeEventListener("abort", onAbort);
  }
}
