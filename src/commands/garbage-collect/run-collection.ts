import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { LoadedConfig } from "../../config/settings.ts";
import { writeChunks } from "../../lib/write-chunks.ts";
import { collectGarbage } from "../../operations/gc/collect-garbage.ts";
import type { GarbageDependencies, GarbageProgress } from "../../operations/gc/garbage-options.ts";
import type { GarbageReport } from "../../operations/gc/garbage-report.ts";
import { type FoundRegistry, findRegistries } from "../../process/machine/find-registries.ts";
import { MAX_READING_THREADS, readingThreads } from "../../process/machine/reading-threads.ts";
import { openManifestCache } from "../../process/state/open-manifest-cache.ts";
import type { CollectionPlan } from "../../registry/plan/collection-plan.ts";
import { usualConcurrency } from "../../registry/remote-store.ts";
import { GarbageJournal } from "../../state/journal.ts";
import { RUNS_FOLDER } from "../../state/run-recorder.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { CommandContext } from "../context.ts";
import { otherStores } from "./ask-registries.ts";
import type { GarbageFlags } from "./garbage-flags.ts";
import { watchForStops } from "./planned-stops.ts";
import type { PreparedRun } from "./prepare-run.ts";
import { renderQuestion } from "./render.ts";
import { renderPlan } from "./render-plan.ts";
import { renderProgress } from "./render-progress.ts";

/** Removing waits for the file system, not for a core; each of them takes some 7 MiB. */
const REMOVING_THREADS = 7;

/** Requests come first: so much of a machine a collector takes beside a server. */
const THREADS_BESIDE_A_SERVER = { read: 1, remove: 1 };

/** Why it is safe to remove something. */
export interface CollectionWay extends Pick<GarbageDependencies, "probe" | "gate" | "requireNoOtherServer"> {
  /** Aborted when somebody has asked this process to stop. */
  stopWanted?: AbortSignal | undefined;
}

/**
 * Opens the store and collects, with progress, questions and stops.
 *
 * @param chosen - is told of the registries of this host
 */
export async function runCollection(
  context: CommandContext,
  config: LoadedConfig,
  flags: GarbageFlags,
  prepared: PreparedRun,
  chosen: (driver: StorageDriver, registries: readonly FoundRegistry[]) => CollectionWay,
): Promise<GarbageReport> {
  const { request, machine, identity, meter, recorded } = prepared;
  const { dryRun, deleteUntagged, untilMs, verify, ...options } = request;
  const registries = await findRegistries(config);
  const driver = await context.openStorage(config, flags);
  const way = chosen(driver, registries);
  const concurrency = request.concurrency ?? usualConcurrency(driver);
  const stops = watchForStops({
    driver,
    identity: dryRun ? undefined : identity,
    untilMs,
    nowMs: Date.now,
    stopWanted: way.stopWanted,
    signal: context.signal,
  });
  const startProgress = (): ReturnType<CommandContext["progress"]> => {
    const display = context.progress("starting", flags);
    display.update(() => renderProgress(meter.progress()));
    return display;
  };
  let progress = startProgress();
  const onProgress = (event: GarbageProgress): void => (recorded ?? meter).note(event);
  const ask = async (question: string): Promise<void> => {
    if (flags.yes) return;
    progress.stop();
    recorded?.enter("waiting for an answer");
    await context.confirm(question, flags, stops.signal);
    progress = startProgress();
  };
  const onPlan = async (plan: CollectionPlan): Promise<void> => {
    if (dryRun) {
      progress.stop();
      if (!flags.json) await writeChunks(context.stdout, renderPlan(plan), context.signal);
      if (verify) progress = startProgress();
    } else if (deleteUntagged && context.interactive && plan.eligible.blobs + plan.eligible.manifests > 0) {
      await ask(renderQuestion(plan));
    }
  };
  try {
    return await collectGarbage(
      {
        driver,
        nowMs: Date.now,
        holder: machine,
        ...{ probe: way.probe, gate: way.gate, requireNoOtherServer: way.requireNoOtherServer },
        threads: way.gate ? THREADS_BESIDE_A_SERVER : threadsAlone(),
        ...keptState(context, prepared),
      },
      {
        ...options,
        concurrency,
        dryRun,
        deleteUntagged,
        usesMetadataDatabase: config.usesMetadataDatabase,
        otherStores: otherStores(registries, (text) => context.notice(text, flags)),
        signal: stops.signal,
        onProgress,
        onPlan,
        confirmLargeDelete: context.interactive ? ask : undefined,
        verifyAfter: verify
          ? async () => {
              const { proveComplete } = await import("../../operations/verify/verify-outcome.ts");
              return proveComplete(
                {
                  driver,
                  threads: Math.min(availableParallelism(), MAX_READING_THREADS),
                  nowMs: Date.now,
                  signal: stops.signal,
                  onProgress: (event) => onProgress({ step: "verify", progress: event }),
                },
                { concurrency },
              );
            }
          : undefined,
      },
    );
  } finally {
    stops.end();
    progress.stop();
  }
}

function threadsAlone(): GarbageDependencies["threads"] {
  return { read: readingThreads(), remove: REMOVING_THREADS };
}

/** What is kept from one run to the next, if there is a folder for it. */
function keptState(
  context: CommandContext,
  { request, stateFolder, warnings }: PreparedRun,
): Pick<GarbageDependencies, "journal" | "manifestCache"> {
  if (stateFolder === undefined) return {};
  const manifestCache = openManifestCache(stateFolder, (problem) => void warnings.push(problem));
  if (request.dryRun) return { manifestCache };
  const journal = new GarbageJournal({ folder: join(stateFolder, RUNS_FOLDER), version: context.version });
  return { manifestCache, journal };
}
