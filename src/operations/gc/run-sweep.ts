import { CancelledError, RegistryStateError } from "../../errors.ts";
import { RunLostError } from "../../registry/apply/run-lost-error.ts";
import type { GatedSweep } from "../../registry/apply/slices.ts";
import { Sweep } from "../../registry/apply/sweep.ts";
import type { SweepResult } from "../../registry/apply/sweep-result.ts";
import type { CollectionPlan } from "../../registry/plan/collection-plan.ts";
import { isRemote } from "../../registry/remote-store.ts";
import { StoreThreads } from "../../registry/threads/store-threads.ts";
import type { JournalEnd } from "../../state/journal.ts";
import type { GarbageDependencies, GarbageOptions } from "./garbage-options.ts";

/** How often the registry is asked again, during the sweep, whether it takes writes. */
const ASK_EVERY_MS = 60_000;
/** So many batches wait for a thread to end its own. */
const BATCHES_AHEAD = 2;
/** So few files are not worth one more thread. */
const FILES_PER_THREAD = 2000;

/** What a sweep needs beside the plan. */
export interface SweepRun {
  /** Temporary files that were last written before have no writer. */
  temporaryBeforeMs: number;
  /** @throws {StoreLockedError} if the lock has been lost */
  checkLock: () => Promise<void>;
  /** @throws {RegistryStateError} if somebody may write whom nobody asks; called now and then */
  requireNoWriter: () => Promise<void>;
  gated: GatedSweep | undefined;
  /** Of the whole collection, which may take several sweeps. */
  result: SweepResult;
  onWarning: (warning: string) => void;
  /** Called before anything is removed, with what is told of the sweep's progress while it goes on. */
  onStart: (sweep: Pick<Sweep, "result" | "phase">) => void;
}

/**
 * Carries out a plan, in threads where the driver allows it, with a journal. What is lost of the journal is told of once.
 *
 * @throws {CancelledError} between two batches, when the signal is aborted
 */
export async function runSweep(
  { driver, holder, journal, nowMs, threads: wanted }: GarbageDependencies,
  { concurrency, force, onProgress, signal, ...options }: GarbageOptions,
  plan: CollectionPlan,
  run: SweepRun & { startedAt: string },
): Promise<void> {
  const { blobs, layerLinks, manifests, tagHistoryLinks } = plan.eligible;
  const files = blobs + layerLinks + manifests + tagHistoryLinks;
  const threadCount = Math.min(wanted?.remove ?? 0, Math.ceil(files / FILES_PER_THREAD));
  const threads = threadCount > 0 ? StoreThreads.for(driver, threadCount) : undefined;
  let askedMs = nowMs();
  const sweep = new Sweep(driver, plan, {
    concurrency,
    threads: threads && { run: threads, inFlight: threadCount + BATCHES_AHEAD },
    temporaryBeforeMs: run.temporaryBeforeMs,
    gated: run.gated,
    result: run.result,
    maxOpsPerSecond: options.maxOpsPerSecond,
    signal,
    beforeBatch: async ({ number, phase, paths }) => {
      await run.checkLock();
      if (!force && Math.abs(nowMs() - askedMs) >= ASK_EVERY_MS) {
        await run.requireNoWriter();
        askedMs = nowMs();
      }
      journal?.beginBatch({ batch: number, phase, paths });
      if (needsJournal && journal?.problem !== undefined) throw unwrittenJournal(journal.problem);
    },
    afterBatch: ({ number }, result) => journal?.endBatch(number, result),
    onProgress: (progress) => onProgress?.({ step: "sweep", ...progress }),
    onWarning: run.onWarning,
  });
  const needsJournal = run.gated !== undefined && isRemote(driver);
  run.onStart(sweep);
  const { deleteUntagged, graceMs, untaggedForMs } = options;
  const told = { deleteUntagged, graceMs, untaggedForMs, force };
  if (!sweep.isIdle) {
    journal?.start({ startedAt: run.startedAt, holder, options: told });
  }
  let end: JournalEnd = "failed";
  let goesOn = false;
  try {
    await sweep.run();
    end = "done";
  } catch (error) {
    if (error instanceof CancelledError) end = "stopped";
    goesOn = error instanceof RunLostError;
    throw error;
  } finally {
    await threads?.close();
    journal?.end(end);
    if (!goesOn) tellOf(sweep.result, { isRemote: isRemote(driver), journal, run });
  }
}

/**
 * Beside a server another process must learn of requests without an answer if this one dies: the store may still carry
 * them out.
 */
export function unwrittenJournal(problem: string): RegistryStateError {
  return new RegistryStateError(`the journal cannot be written: ${problem}`, {
    hint: "beside a running server the store needs it; give the server a --state-dir with room, or collect with --mode read-only",
  });
}

/** What people should know of a sweep that has ended. */
function tellOf(
  result: SweepResult,
  { isRemote, journal, run }: { isRemote: boolean; journal: GarbageDependencies["journal"]; run: SweepRun },
): void {
  const { onWarning } = run;
  const untold = result.failures - result.failed.length;
  // Beside a server that is as it should be, and told in the report.
  if (result.kept > 0 && !run.gated) {
    onWarning(
      `${result.kept} files that were to go were kept: they were written meanwhile, or something that stays needs them`,
    );
  }
  if (isRemote && result.failures > 0) {
    onWarning(
      run.gated
        ? "what failed because the store did not answer it may still carry out: for half an hour the server keeps clients from it"
        : "what failed because the store did not answer it may still carry out: let nobody write for a quarter of an hour, then run this again",
    );
  }
  if (untold > 0) onWarning(`${untold} more deletions failed`);
  if (journal?.problem !== undefined) {
    onWarning(`the journal cannot be written, the run goes on without it: ${journal.problem}`);
  }
}
