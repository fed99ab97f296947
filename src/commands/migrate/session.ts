import type { ComparableConfig } from "../../config/load-config.ts";
import type { StorageSettings } from "../../config/settings.ts";
import { storeName } from "../../config/store-name.ts";
import { RegistryStateError } from "../../errors.ts";
import { readStoreTime } from "../../operations/gc/check-state.ts";
import type { CopyDependencies, CopySettings } from "../../operations/migrate/copy-round.ts";
import type { MigrationJournal } from "../../operations/migrate/migration-journal.ts";
import type { RoundReport } from "../../operations/migrate/migration-report.ts";
import type { SwitchStart } from "../../operations/migrate/switch-store.ts";
import type { AgainstReport } from "../../operations/verify/against/against-report.ts";
import { compareStores } from "../../operations/verify/against/compare-stores.ts";
import { TimesRecorder } from "../../registry/copy/times-recorder.ts";
import { usualConcurrency } from "../../registry/remote-store.ts";
import type { MigrationRecord } from "../../state/migration-record.ts";
import { canSetTimes } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { ReadOnlyStoreError } from "../../storage/errors.ts";
import type { CommandContext, Progress } from "../context.ts";
import { CopyProgressText } from "./copy-progress.ts";
import { isAtWork } from "./known-migrations.ts";
import type { CopyFlags } from "./migrate-flags.ts";
import type { MoveLocks } from "./move-locks.ts";

/** A store of a move, opened. */
export interface OpenedStore {
  settings: StorageSettings;
  driver: StorageDriver;
}

/** One run of a command that works on a move. */
export interface MigrationSession {
  context: CommandContext;
  flags: CopyFlags & { skipDamaged?: boolean; allowShrunkSource?: boolean };
  config: ComparableConfig;
  journal: MigrationJournal;
  locks: MoveLocks;
  /** What is copied from, for reading. */
  from: OpenedStore;
  to: OpenedStore;
  /** Of what is copied from, where that is known. */
  total: { files: number; bytes: number } | undefined;
  /** Per cent of the blobs that are hashed. */
  checksumPercent: number | undefined;
  /** Passes of this run. */
  rounds: RoundReport[];
}

/** @throws {RegistryStateError} if another process works on the move */
export function refuseOther(record: MigrationRecord | undefined): void {
  if (record === undefined || !isAtWork(record)) return;
  throw new RegistryStateError(`process ${record.holder?.pid} works on this move already`, {
    hint: "wait for it, or stop it: it can be gone on with",
  });
}

/** @returns what {@link copyRounds} and the last copy work with, with progress shown */
export function copyDependencies(session: MigrationSession, progress: Progress): CopyDependencies {
  const { context, from, to, journal, total } = session;
  const text = new CopyProgressText(() => performance.now(), total);
  return {
    from: from.driver,
    to: to.driver,
    journal,
    storeNowMs: () => clockOf(session, session.from),
    times: canSetTimes(to.driver) ? undefined : new TimesRecorder(journal.timesFolder),
    signal: context.signal,
    onProgress: (event, round) => progress.update(text.of(event, round)),
  };
}

/** @returns what is wanted of copies */
export function copySettings({ flags }: MigrationSession): CopySettings {
  const {
    concurrency,
    maxBandwidth: maxBytesPerSecond,
    skipDamaged = false,
    allowShrunkSource = false,
  } = flags;
  return { concurrency, maxBytesPerSecond, skipDamaged, allowShrunkSource };
}

/** Object stores tell times in whole seconds; that which is to come takes longer than this. */
const CLOCK_GRAIN_MS = 1000;

/**
 * To be called while the registry is held, before it goes from one store to the other.
 *
 * @returns the times of both stores that are over before anybody can push again
 * @throws {RegistryStateError} if their clocks and ours differ by more than five minutes
 */
export async function storeClocks(
  session: MigrationSession,
): Promise<Pick<SwitchStart, "leftAt" | "takenAt">> {
  const after = async (store: OpenedStore): Promise<string> =>
    new Date((await clockOf(session, store)) + CLOCK_GRAIN_MS).toISOString();
  return { leftAt: await after(session.from), takenAt: await after(session.to) };
}

/**
 * The clock of a disk is asked by a file that is there for a moment; where none can be made, ours counts.
 *
 * @throws {RegistryStateError} if the two clocks differ by more than five minutes
 */
async function clockOf(
  { context, flags }: Pick<MigrationSession, "context" | "flags">,
  { settings }: OpenedStore,
): Promise<number> {
  const ours = Date.now();
  try {
    const writable = await context.openTarget(settings, flags);
    const { nowMs, problem } = await readStoreTime(writable, ours);
    if (problem !== undefined) throw problem;
    return nowMs;
  } catch (error) {
    if (error instanceof RegistryStateError) throw error;
    if (!(error instanceof ReadOnlyStoreError)) {
      context.notice(`the clock of ${storeName(settings)} cannot be asked; ours counts`, flags);
    }
    return ours;
  }
}

/** Compares both stores, with progress shown. */
export async function compare(
  session: MigrationSession,
  {
    asOfMs,
    isHeld,
    checkGraph = true,
    signal,
  }: { asOfMs?: number; isHeld: boolean; checkGraph?: boolean; signal: AbortSignal },
): Promise<AgainstReport> {
  const { context, config, flags, from, to, checksumPercent } = session;
  const progress = context.progress("comparing both stores; safe to stop", flags);
  try {
    return await compareStores(
      from.driver,
      to.driver,
      {
        nowMs: Date.now,
        signal,
        onProgress: ({ phase, files, differences }) =>
          progress.update(() =>
            phase === "graph"
              ? "proving that every tag at the target is complete"
              : `comparing: ${files} files, ${differences} differences; safe to stop`,
          ),
      },
      {
        checksumPercent,
        concurrency: Math.max(usualConcurrency(from.driver), usualConcurrency(to.driver)),
        checkGraph,
        // Before the registry uses the target, all is read there.
        readsSameAtSource: !isHeld,
        ...{ asOfMs, sourceIsHeld: isHeld, usesMetadataDatabase: config.usesMetadataDatabase },
      },
    );
  } finally {
    progress.stop();
  }
}
