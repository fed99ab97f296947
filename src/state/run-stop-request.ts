import { PathNotFoundError } from "../errors.ts";
import { LOCKFILES_ROOT } from "../registry/paths.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { readStoreLock, type StoreLockRecord } from "./store-lock.ts";

/** Asks the holder of the store's lock to stop, from whatever host. It names the lock's token, so a later run is not meant. */
export const STOP_REQUEST_PATH = `${LOCKFILES_ROOT}/registry-ctl.stop`;

/** @throws {StorageFullError | StorageUnavailableError} if it cannot be written */
export async function requestStop(driver: StorageDriver, token: string, requestedAt: Date): Promise<void> {
  const request = { token, requestedAt: requestedAt.toISOString() };
  await driver.put(STOP_REQUEST_PATH, Buffer.from(`${JSON.stringify(request)}\n`));
}

/**
 * Looks whether the one who holds the lock is asked to stop. Once seen the request is removed, like one that means an
 * earlier holder.
 *
 * @param isOurs - whether the lock is held by who asks
 */
export async function isStopRequested(
  driver: StorageDriver,
  isOurs: (lock: StoreLockRecord) => boolean,
): Promise<boolean> {
  const token = await requestedToken(driver);
  if (token === undefined) return false;
  const lock = await readStoreLock(driver);
  if (!lock || !isOurs(lock)) return false;
  // That it cannot be removed does no harm: no later holder has this token.
  await removeStopRequest(driver, token).catch(() => {});
  return lock.token === token;
}

/** Removes the request if it names this token. */
export async function removeStopRequest(driver: StorageDriver, token: string): Promise<void> {
  if ((await requestedToken(driver)) !== token) return;
  try {
    await driver.delete(STOP_REQUEST_PATH);
  } catch (error) {
    if (!(error instanceof PathNotFoundError)) throw error;
  }
}

/** @returns the token that is named; empty for a damaged request; undefined if there is none */
async function requestedToken(driver: StorageDriver): Promise<string | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await driver.get(STOP_REQUEST_PATH);
  } catch (error) {
    if (error instanceof PathNotFoundError) return undefined;
    throw error;
  }
  try {
    const json: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    const token = typeof json === "object" && json !== null && "token" in json ? json.token : undefined;
    return typeof token === "string" ? token : "";
  } catch {
    return "";
  }
}
