import { CancelledError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { KeptDuty } from "../../state/duties.ts";
import type { DutyState } from "../hold/is-due.ts";
import { describeUndo } from "./describe-duty.ts";

/** What recovering works with. */
export interface RecoverDependencies {
  /** Everything that must be undone at some time, the oldest first. */
  duties: readonly KeptDuty[];
  stateOf: (kept: KeptDuty) => DutyState;
  /**
   * Undoes one, and forgets it.
   *
   * @returns what was done, for people; undefined if somebody else has ended it meanwhile
   */
  end: (kept: KeptDuty) => Promise<string | undefined>;
  /** Stops between two. */
  signal: AbortSignal;
}

/** Options of {@link recoverRegistry}. */
export interface RecoverOptions {
  dryRun: boolean;
  /** Undoes also what is bound to a process of which nothing is known. */
  force: boolean;
}

/** Something that was, or is to be, undone. */
export interface RecoveredDuty {
  id: string;
  /** What was changed for a time, for people. */
  what: string;
  store: string;
  reason: string;
  by: string;
  madeAt: string;
  until?: string;
  /** Undone; not due yet; bound to a process that cannot be seen from here; or it could not be undone. */
  outcome: "undone" | "would be undone" | "kept" | "unknown" | "failed";
  /** What was done, or why it could not be. */
  message?: string;
}

/** What came of it; what `recover --json` prints. */
export interface RecoverReport {
  schemaVersion: 1;
  command: "recover";
  dryRun: boolean;
  duties: RecoveredDuty[];
  /** Could not be undone. */
  failures: number;
}

/**
 * Ends what a crash or a reboot has left half done, on all stores that this user has worked on. What is not due yet
 * stays. It may be done again, and beside others that do the same.
 *
 * @throws {CancelledError} when the signal is aborted
 */
export async function recoverRegistry(
  { duties, stateOf, end, signal }: RecoverDependencies,
  { dryRun, force }: RecoverOptions,
): Promise<RecoverReport> {
  const recovered: RecoveredDuty[] = [];
  for (const kept of duties) {
    if (signal.aborted) throw new CancelledError("stopped before all was undone", { hint: "run it again" });
    const state = stateOf(kept);
    const isDue = state === "due" || (state === "unknown" && force);
    if (!isDue) recovered.push(describe(kept, state === "unknown" ? "unknown" : "kept"));
    else if (dryRun) recovered.push(describe(kept, "would be undone"));
    else recovered.push(await undo(kept, end));
  }
  const failures = recovered.filter(({ outcome }) => outcome === "failed").length;
  return { schemaVersion: 1, command: "recover", dryRun, duties: recovered, failures };
}

async function undo(kept: KeptDuty, end: RecoverDependencies["end"]): Promise<RecoveredDuty> {
  try {
    return describe(kept, "undone", (await end(kept)) ?? "somebody else has undone it meanwhile");
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    return describe(kept, "failed", messageOf(error));
  }
}

function describe({ duty }: KeptDuty, outcome: RecoveredDuty["outcome"], message?: string): RecoveredDuty {
  const { id, store, reason, by, madeAt, until } = duty;
  return {
    ...{ id, what: describeUndo(duty), store, reason, by, madeAt },
    ...(until === undefined ? {} : { until }),
    outcome,
    ...(message === undefined ? {} : { message }),
  };
}
