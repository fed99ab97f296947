import { RegistryStateError } from "../../errors.ts";
import type { PlannedDeletes, SyncPosition, SyncProgress } from "../../registry/copy/sync-options.ts";
import type { SyncResult } from "../../registry/copy/sync-result.ts";
import { syncStores } from "../../registry/copy/sync-stores.ts";
import type { MigrationRound } from "../../state/migration-record.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { MigrationJournal } from "./migration-journal.ts";

/** Keeps the times of files where the store that they are copied to cannot. */
export interface TimesKeeper {
  note(path: string, modifiedMs: number): void;
  /** Puts what was noted where it outlives the process. */
  flush(): void;
  /** Writes down what was noted, at the store. */
  write(target: StorageDriver): Promise<void>;
}

/** What copies between the two stores of a move work with. */
export interface CopyDependencies {
  from: StorageDriver;
  to: StorageDriver;
  journal: MigrationJournal;
  /** The time of the store that is copied from, in milliseconds since 1970. */
  storeNowMs: () => Promise<number>;
  /** Undefined: the target keeps times itself. */
  times: TimesKeeper | undefined;
  signal: AbortSignal;
  onProgress: (progress: SyncProgress, round: number) => void;
}

/** What is wanted of copies. */
export interface CopySettings {
  concurrency: number | undefined;
  maxBytesPerSecond: number | undefined;
  skipDamaged: boolean;
  allowShrunkSource: boolean;
}

/** What is wanted of one. */
export interface RoundOptions extends CopySettings {
  number: number;
  /** Nobody writes to the source: nothing is left out, and what only the target has is removed. */
  final: boolean;
  deleteExtra: boolean;
  /** Goes on where the last run of this round was. */
  resumes: boolean;
}

/** What came of one pass. */
export interface CopiedRound {
  result: SyncResult;
  /** What the source has got since, by its clock, was left out. */
  asOfMs: number;
}

/** What times of object stores are rounded to. */
const TIME_GRAIN_MS = 2000;
/** Less than this part of what there was is a source that is not mounted, or another one. */
const LEAST_SHARE = 0.99;

/**
 * Makes one pass over both stores, and remembers how far it is.
 *
 * @throws {RegistryStateError} if the source has less than 99 % of what it had in the last whole round
 */
export async function copyRound(dependencies: CopyDependencies, options: RoundOptions): Promise<CopiedRound> {
  const { from, to, journal, times, signal } = dependencies;
  const { number, final, deleteExtra, resumes } = options;
  const earlier = resumes ? unfinishedRound(journal) : undefined;
  const asOfMs = earlier?.asOfMs ?? (await dependencies.storeNowMs()) - TIME_GRAIN_MS;
  const round = earlier ?? { number, startedAt: new Date(asOfMs + TIME_GRAIN_MS).toISOString(), asOfMs };
  if (earlier === undefined) journal.clearSpool();
  journal.setRound(round);
  const seenBefore = earlier?.seenFiles ?? 0;
  let seen = 0;
  let isDoubtful = false;
  const remember = (position: SyncPosition): void => {
    times?.flush();
    journal.setRound({ ...round, position, seenFiles: seenBefore + seen });
  };
  const requireWhole = (): void => {
    const problem = options.allowShrunkSource ? undefined : shrunkProblem(journal, seenBefore + seen);
    if (problem === undefined) return;
    isDoubtful = true;
    throw problem;
  };
  // What is to be removed was found by a listing that is not to be believed then.
  const forgetDoubtful = (): void => {
    if (isDoubtful) journal.forget("round");
  };
  const result = await syncStores(from, to, {
    asOfMs: final ? undefined : asOfMs,
    deleteExtra,
    skipDamaged: options.skipDamaged,
    concurrency: options.concurrency,
    maxBytesPerSecond: options.maxBytesPerSecond,
    resumeAt: earlier?.position,
    spoolFolder: journal.spoolFolder,
    maxDeletes: async (_planned: PlannedDeletes) => requireWhole(),
    dryRun: false,
    signal,
    onProgress: (progress) => {
      seen = progress.seen.files;
      dependencies.onProgress(progress, number);
    },
    // A final round begins anew: in between, clients may have written.
    onPosition: final ? undefined : remember,
    times,
  }).finally(forgetDoubtful);
  seen = Math.max(seen, result.source.files);
  try {
    requireWhole();
  } finally {
    forgetDoubtful();
  }
  signal.throwIfAborted();
  await times?.write(to);
  const whole = earlier?.position === undefined;
  const { files, bytes, manifests, tags } = result.source;
  if (whole) journal.update({ sourceAmounts: { files, bytes, manifests, tags } });
  journal.forget("round");
  return { result, asOfMs };
}

/**
 * @returns the round that an earlier run has left; undefined where there is none, or only removals were left: what is to be removed
 *   is found out anew
 */
export function unfinishedRound({ record }: MigrationJournal): MigrationRound | undefined {
  const { round } = record;
  return round?.position === undefined || round.position.pass === "deletions" ? undefined : round;
}

function shrunkProblem({ record }: MigrationJournal, seenFiles: number): RegistryStateError | undefined {
  const before = record.sourceAmounts?.files ?? 0;
  if (seenFiles >= before * LEAST_SHARE) return undefined;
  return new RegistryStateError(
    `the source has ${seenFiles} files, and had ${before} in the last run: it looks as if it were not mounted, or another one`,
    {
      hint: "look at it; if it is right, because garbage was collected for example, give --allow-shrunk-source",
    },
  );
}
