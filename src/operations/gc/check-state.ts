import type { ProbeResult } from "../../client/write-probe.ts";
import { PathNotFoundError, RegistryStateError, StorageFullError } from "../../errors.ts";
import { LOCKFILES_ROOT } from "../../registry/paths.ts";
import { hasStoreClock } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** GitLab's mark that a database knows what is needed, not the links in the store. */
const DATABASE_IN_USE_PATH = `${LOCKFILES_ROOT}/database-in-use`;
const MAX_SKEW_MS = 5 * 60_000;

/** @returns why storage is not the truth here, or undefined if it is */
export async function metadataDatabaseProblem(
  driver: StorageDriver,
  configured: boolean,
): Promise<RegistryStateError | undefined> {
  const reason = configured ? "the configuration has it enabled" : `there is ${DATABASE_IN_USE_PATH}`;
  if (!configured && !(await exists(driver, DATABASE_IN_USE_PATH))) return undefined;
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
  warning: string | undefined;
}

/**
 * @returns the store's time; ours, with a warning where it may matter, if the store does not tell
 * @throws {RegistryStateError} if the two differ by more than five minutes
 */
export async function readStoreTime(driver: StorageDriver, ourMs: number): Promise<StoreTime> {
  if (!hasStoreClock(driver)) return { nowMs: ourMs, warning: undefined };
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
  if (skewMs > MAX_SKEW_MS) {
    throw new RegistryStateError(
      `the store's clock (${new Date(nowMs).toISOString()}) and ours (${new Date(ourMs).toISOString()}) differ by ${Math.round(skewMs / 1000)} seconds, at most 300 are allowed`,
      { hint: "set both clocks (NTP), then run it again" },
    );
  }
  return { nowMs, warning: undefined };
}

async function exists(driver: StorageDriver, path: string): Promise<boolean> {
  try {
    await driver.stat(path);
    return true;
  } catch (error) {
    if (error instanceof PathNotFoundError) return false;
    throw error;
  }
}
