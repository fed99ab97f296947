import { CancelledError } from "../../errors.ts";
import { Sweep } from "../../registry/apply/sweep.ts";
import type { CollectionPlan } from "../../registry/plan/collection-plan.ts";
import { isRemote } from "../../registry/remote-store.ts";
import { StoreThreads } from "../../registry/threads/store-threads.ts";
import type { JournalEnd } from "../../state/journal.ts";
import type { GarbageDependencies, GarbageOptions } from "./garbage-options.ts";

/** How often the registry is asked again, during the sweep, whether it takes writes. */
const PROBE_EVERY_MS = 60_000;
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
  /** @throws {RegistryStateError} if the registry takes writes */
  requireNoWriter: () => Promise<void>;
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
  let probedMs = nowMs();
  const sweep = new Sweep(driver, plan, {
    concurrency,
    threads: threads && { run: threads, inFlight: threadCount + BATCHES_AHEAD },
    temporaryBeforeMs: run.temporaryBeforeMs,
    signal,
    beforeBatch: async ({ number, phase, paths }) => {
      await run.checkLock();
      if (!force && Math.abs(nowMs() - probedMs) >= PROBE_EVERY_MS) {
        await run.requireNoWriter();
        probedMs = nowMs();
      }
      journal?.beginBatch({ batch: number, phase, paths });
    },
    afterBatch: ({ number }, result) => journal?.endBatch(number, result),
    onProgress: (progress) => onProgress?.({ step: "sweep", ...progress }),
    onWarning: run.onWarning,
  });
  run.onStart(sweep);
  const { deleteUntagged, graceMs, untaggedForMs } = options;
  const told = { deleteUntagged, graceMs, untaggedForMs, force };
  if (!sweep.isIdle) {
    journal?.start({ startedAt: run.startedAt, holder, options: told });
  }
  let end: JournalEnd = "failed";
  try {
    await sweep.run();
    end = "done";
  } catch (error) {
    if (error instanceof CancelledError) end = "stopped";
    throw error;
  } finally {
    await threads?.close();
    journal?.end(end);
    const untold = sweep.result.failures - sweep.result.failed.length;
    if (sweep.result.kept > 0) {
      run.onWarning(
        `${sweep.result.kept} files that were to go were kept: they were written meanwhile, or something that stays needs them`,
      );
    }
    if (isRemote(driver) && sweep.result.failures > 0) {
      run.onWarning(
        "what failed because the store did not answer it may still carry out: let nobody write for a quarter of an hour, then run this again",
      );
    }
    if (untold > 0) run.onWarning(`${untold} more deletions failed`);
    if (journal?.problem !== undefined) {
      run.onWarning(`the journal cannot be written, the run goes on without it: ${journal.problem}`);
    }
  }
}
