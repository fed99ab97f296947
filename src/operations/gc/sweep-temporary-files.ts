import { messageOf } from "../../lib/message-of.ts";
import { LOCKFILES_ROOT, ROOT } from "../../registry/paths.ts";
import { hasTemporaryFiles } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/**
 * Removes what writers that died have left behind. Costs next to nothing where the scan has seen none. It looks into no
 * folder of a link: what is beside a link is smaller than a block, and goes with the link at the latest.
 *
 * @param seen - so many the scan has seen
 * @param beforeMs - what was last written before has no writer
 * @returns why that failed, for people, if it did
 */
export async function sweepTemporaryFiles(
  driver: StorageDriver,
  seen: number,
  beforeMs: number,
): Promise<string | undefined> {
  if (!hasTemporaryFiles(driver)) return undefined;
  try {
    // Those of the lock are in no scan.
    await driver.sweepTemporaryFiles(LOCKFILES_ROOT, beforeMs);
    if (seen > 0) await driver.sweepTemporaryFiles(ROOT, beforeMs);
    return undefined;
  } catch (error) {
    return `temporary files were not removed: ${messageOf(error)}`;
  }
}
