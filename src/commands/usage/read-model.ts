import type { LoadedConfig } from "../../config/settings.ts";
import { CancelledError } from "../../errors.ts";
import type { Digest } from "../../oci/digest.ts";
import { readUsage } from "../../operations/usage/read-usage.ts";
import type { UsageModel } from "../../operations/usage/usage-model.ts";
import { readingThreads } from "../../process/machine/reading-threads.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { refuseMetadataDatabase } from "../../process/refuse-metadata-database.ts";
import { openManifestCache } from "../../process/state/open-manifest-cache.ts";
import { prepareState } from "../../process/state/prepare-state.ts";
import { usualConcurrency } from "../../registry/remote-store.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { CommandContext, StorageFlags } from "../context.ts";
import { renderUsageProgress } from "./render-progress.ts";

/** Every blob and many links are looked at: with one thread the main one waited for it two fifths of the time. */
const READING_THREADS = 2;

/** What the command line says of how a store is read. */
export interface ReadFlags extends StorageFlags {
  /** `--grace`, in milliseconds. */
  grace: number;
  concurrency?: number;
}

/** What is wanted of the model beside what it always has; see `UsageReadOptions`. */
export interface WantedOfModel {
  pushes: boolean;
  tagNeeds: boolean;
  /** What stays without any tag. */
  standing?: boolean;
  /** Digests that stay, as `garbage-collect --protect` keeps them. */
  protectedDigests?: ReadonlySet<Digest> | undefined;
}

/** A store that has been read. */
export interface ReadStore {
  config: LoadedConfig;
  driver: StorageDriver;
  model: UsageModel;
  /** What went wrong beside the reading itself. */
  warnings: string[];
}

/**
 * Opens the configured store so that nothing can be written, and reads who needs what.
 *
 * @throws {RegistryStateError} if a database, not the store, knows what is needed
 * @throws {CancelledError} at Ctrl-C
 */
export async function readModel(
  context: CommandContext,
  argument: string | undefined,
  flags: ReadFlags,
  wanted: WantedOfModel,
): Promise<ReadStore> {
  const config = await context.loadConfig({ argument, flags });
  const warnings: string[] = [];
  const state = prepareState(config.settings.storage, flags.stateDir, await registryUserOf(config));
  if (state.folder === undefined && state.problem !== undefined)
    warnings.push(`there is no state folder (${state.problem}): every manifest is read`);
  const driver = await context.openStorage(config, { ...flags, readOnlyStore: true });
  await refuseMetadataDatabase(config, driver);
  const progress = context.progress("looking at repositories; safe to stop", flags);
  try {
    const manifestCache =
      state.folder === undefined
        ? undefined
        : openManifestCache(state.folder, (problem) => void warnings.push(problem));
    const model = await readUsage(
      { driver, nowMs: Date.now, threads: readingThreads(READING_THREADS), manifestCache },
      {
        graceMs: flags.grace,
        concurrency: flags.concurrency ?? usualConcurrency(driver),
        wantsPushes: wanted.pushes,
        wantsTagNeeds: wanted.tagNeeds,
        wantsStanding: wanted.standing,
        protectedDigests: wanted.protectedDigests,
        signal: context.signal,
        onProgress: (event) => progress.update(() => renderUsageProgress(event)),
      },
    );
    return { config, driver, model, warnings };
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    throw new CancelledError("stopped before everything was counted; nothing was changed", { cause: error });
  } finally {
    progress.stop();
  }
}
