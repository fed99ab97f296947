import type { StorageSettings } from "../../config/settings.ts";
import { storeName } from "../../config/store-name.ts";
import { messageOf } from "../../lib/message-of.ts";
import { usualConcurrency } from "../../registry/remote-store.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { metadataDatabaseProblem } from "../gc/check-state.ts";
import { type CountedStore, countStore } from "./count-store.ts";
import { estimateRequests, estimateTime, type RequestEstimate, type TimeRange } from "./estimate.ts";
import { type GarbageSaving, garbageSavings } from "./garbage-savings.ts";
import { hasRegistryFiles, spaceProblem, type TargetState, targetStateOf } from "./look-at-target.ts";
import { measureTarget, type TargetSpeed } from "./measure-target.ts";
import { refuseSameNames, refuseSameStore } from "./same-store.ts";
import { readMark } from "./target-mark.ts";
import { tryPermissions } from "./try-permissions.ts";

/** What a dry run of a move tells; what `migrate --dry-run --json` prints. */
export interface MigrationPlan {
  schemaVersion: 1;
  command: "migrate";
  dryRun: true;
  source: PlannedSource;
  /** What a collection would save first. */
  garbage: GarbageSaving[];
  target: PlannedTarget;
  /** Why a real run would refuse. */
  problems: string[];
  warnings: string[];
}

/** What there is to be copied. */
export interface PlannedSource {
  /** As `storeName` gives it. */
  store: string;
  /** false: there is no store, so that nothing would be copied. */
  exists: boolean;
  folders: CountedStore["folders"];
  files: number;
  bytes: number;
  manifests: number;
  tags: number;
}

/** Where it is to go. */
export interface PlannedTarget {
  /** Undefined: nothing says which. */
  driver?: string;
  /** As `storeName` gives it; undefined as long as something is missing. */
  store?: string;
  /** Keys that have to be named. */
  missing: string[];
  state?: TargetState;
  /** false: there is no such folder yet. */
  exists?: boolean;
  /** Undefined where nothing could be written. */
  speed?: TargetSpeed;
  time?: TimeRange;
  requests?: RequestEstimate;
}

/** What {@link planMigration} works with. */
export interface PlanDependencies {
  source: { settings: StorageSettings; driver: StorageDriver; usesMetadataDatabase: boolean };
  target: { driver: string | undefined; missing: readonly string[]; opened: OpenedTarget | undefined };
  /** Of the move. */
  id: string | undefined;
  nowMs: () => number;
  /** A clock that nobody sets. */
  steadyMs: () => number;
  threads: number | undefined;
  signal: AbortSignal;
  onProgress: (text: string) => void;
}

/** A store that is named completely. */
export interface OpenedTarget {
  settings: StorageSettings;
  driver: StorageDriver;
}

/**
 * Looks what a move would copy, where to and how long that would take. Nothing is changed, but that at a target that is named
 * completely a few files of ours are written and removed again.
 */
export async function planMigration(dependencies: PlanDependencies): Promise<MigrationPlan> {
  const { source, target, signal, onProgress } = dependencies;
  const warnings: string[] = [];
  onProgress("counting");
  const counted = await countStore(source.driver, {
    signal,
    onProgress: ({ files }) => onProgress(`${files} files counted`),
  });
  const { folders, files, bytes, manifests, tags } = counted;
  const exists = files > 0 || (await isThere(source.driver));
  for (const { path, error } of counted.failures)
    warnings.push(`${path} could not be listed: ${messageOf(error)}`);
  const database = await metadataDatabaseProblem(source.driver, source.usesMetadataDatabase);
  if (database !== undefined)
    warnings.push(`${database.message}: the files are copied, the database is not moved`);
  onProgress("looking for garbage");
  const garbage = await garbageOf(dependencies, database !== undefined);
  const problems: string[] = [];
  return {
    ...{ schemaVersion: 1, command: "migrate", dryRun: true },
    source: { store: storeName(source.settings), exists, folders, files, bytes, manifests, tags },
    garbage,
    target: {
      ...(target.driver === undefined ? {} : { driver: target.driver }),
      missing: [...target.missing],
      ...(target.opened === undefined ? {} : await tryTarget(dependencies, target.opened, counted, problems)),
    },
    problems,
    warnings,
  };
}

async function isThere(driver: StorageDriver): Promise<boolean> {
  try {
    await driver.stat("/");
    return true;
  } catch {
    return false;
  }
}

async function garbageOf(
  { source, nowMs, threads, signal, onProgress }: PlanDependencies,
  usesDatabase: boolean,
): Promise<GarbageSaving[]> {
  // The links are not the truth there: what they do not name may be needed.
  if (usesDatabase) return [];
  const concurrency = usualConcurrency(source.driver);
  return garbageSavings(source.driver, {
    ...{ nowMs: nowMs(), concurrency, threads, signal },
    onProgress: (text) => onProgress(`looking for garbage: ${text}`),
  });
}

async function tryTarget(
  { source, id, steadyMs, signal, onProgress }: PlanDependencies,
  { settings, driver }: OpenedTarget,
  counted: CountedStore,
  problems: string[],
): Promise<Partial<PlannedTarget>> {
  const requests = estimateRequests(counted, source.settings, settings);
  const known = { store: storeName(settings), ...(requests === undefined ? {} : { requests }) };
  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      problems.push(messageOf(error));
      return undefined;
    }
  };
  const isOther = await attempt(async () => {
    refuseSameNames(source.settings, settings);
    return true;
  });
  if (isOther === undefined) return known;
  onProgress("looking at the target");
  const state = await attempt(async () =>
    targetStateOf(await readMark(driver), id ?? "", await hasRegistryFiles(driver)),
  );
  const space = await attempt(() =>
    spaceProblem(driver, { missingBytes: counted.bytes, missingFiles: counted.files }),
  );
  if (space !== undefined && state !== "ours") problems.push(space.message);
  // Nothing is made by a dry run, a folder neither.
  if (!(await isThere(driver))) return { ...known, ...(state === undefined ? {} : { state }), exists: false };
  onProgress("trying the target");
  const partBytes = partBytesOf(settings);
  const isWritable = await attempt(async () => {
    await tryPermissions(driver, { partBytes, signal });
    await refuseSameStore(source, { settings, driver });
    return true;
  });
  if (isWritable === undefined) return { ...known, ...(state === undefined ? {} : { state }) };
  onProgress("measuring the target");
  const speed = await attempt(() => measureTarget(driver, { signal, nowMs: steadyMs }));
  return {
    ...known,
    ...(state === undefined ? {} : { state }),
    ...(speed === undefined ? {} : { speed, time: estimateTime(counted, speed) }),
  };
}

/** @returns behind how many bytes a writer of the store begins to send parts */
export function partBytesOf(settings: StorageSettings): number {
  return "chunkBytes" in settings ? settings.chunkBytes : 1024 * 1024;
}
