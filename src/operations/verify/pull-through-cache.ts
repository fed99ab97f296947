import { statSmallFile } from "../../registry/small-file.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** Where the Go registry, as a pull-through cache, remembers what expires when. */
const CACHE_SCHEDULE_PATH = "/scheduler-state.json";

/** @returns what to tell of a store that a pull-through cache uses: it has only what was asked for; undefined for others */
export async function cacheWarning(driver: StorageDriver): Promise<string | undefined> {
  const schedule = await statSmallFile(driver, CACHE_SCHEDULE_PATH).catch(() => undefined);
  if (schedule === undefined) return undefined;
  return `a pull-through cache uses this store (there is ${CACHE_SCHEDULE_PATH}): what is missing, it fetches when it is asked for`;
}
