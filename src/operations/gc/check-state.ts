import type { ProbeResult } from "../../client/write-probe.ts";
import { RegistryStateError, StorageFullError } from "../../errors.ts";
import { LOCKFILES_ROOT } from "../../registry/paths.ts";
import { isRemote } from "../../registry/remote-store.ts";
import { statSmallFile } from "../../registry/small-file.ts";
import { hasStoreClock } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** GitLab's mark that a database knows what is needed, not the links in the store. */
const DATABASE_IN_USE_PATH = `${LOCKFILES_ROOT}/database-in-use`;
const MAX_SKEW_MS = 5 * 60_000;
/** Object stores give the time of a file in whole seconds, rounded down. */
const OBJECT_TIME_GRAIN_MS = 1000;

/** @returns why storage is not the truth here, or undefined if it is */
export async function metadataDatabaseProblem(
  driver: StorageDriver,
  configured: boolean,
): Promise<RegistryStateError | undefined> {
  const reason = configured ? "the configuration has it enabled" : `there is ${DATABASE_IN_USE_PATH}`;
  if (!configured && (await statSmallFile(driver, DATABASE_IN_USE_PATH)) === undefined) return undefined;
  return new RegistryStateError(
    `this registry keeps its metadata in a database (${reason}), so that the links in storage are not the truth`,
    { hint: "use the online garbage collection of the registry with the database; it needs no command" },
  );
}

/** @returns why a write may happen meanwhile, or undefined if none can */
export function writeProblem(result: ProbeResult): RegistryStateError | undefined {
  if (result.kind !== "other") return undefined;
  return new RegistryStateError(
    `the registry is not proved to be stopped or read-only: the write probe was answered ${result.answer}`,
    {
      hint: result.answer.startsWith("401")
        ? "stop the registry; or, with auth.token, let --key name the key that tokens are signed with, so that it can be asked whether it is read-only"
        : "stop the registry, or set storage.maintenance.readonly.enabled and restart it; --force goes on without the proof",
    },
  );
}

/** The time by which ages are measured. */
export interface StoreTime {
  nowMs: number;
  warning?: string;
  /** The store's time and ours differ by more than five minutes. */
  problem?: RegistryStateError;
}

/** @returns the store's time; ours, with a warning where it may matter, if the store does not tell */
export async function readStoreTime(driver: StorageDriver, ourMs: number): Promise<StoreTime> {
  if (!hasStoreClock(driver)) return { nowMs: ourMs };
  let nowMs: number;
  try {
    nowMs = await driver.now();
  } catch (error) {
    if (!(error instanceof StorageFullError)) throw error;
    return {
      nowMs: ourMs,
      warning: "the store has no room to tell its time; ages are measured by our clock",
    };
  }
  const skewMs = Math.abs(nowMs - ourMs);
  if (skewMs <= MAX_SKEW_MS) return { nowMs };
  const problem = new RegistryStateError(
    `the store's clock (${new Date(nowMs).toISOString()}) and ours (${new Date(ourMs).toISOString()}) differ by ${Math.round(skewMs / 1000)} seconds, at most 300 are allowed`,
    { hint: "set both clocks (NTP), then run it again" },
  );
  return { nowMs, problem };
}

/**
 * @param graceMs - how long what was written is kept; 0: not at all
 * @returns the time behind which a file must have been written, as the store tells times, to be kept
 */
export function keepWrittenAfter(driver: StorageDriver, nowMs: number, graceMs: number): number {
  return nowMs - graceMs - (graceMs > 0 && isRemote(driver) ? OBJECT_TIME_GRAIN_MS : 0);
}
