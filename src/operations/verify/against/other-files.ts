import { PathNotFoundError } from "../../../errors.ts";
import { BLOBS_ROOT, parentOf, REPOSITORIES_ROOT, ROOT } from "../../../registry/paths.ts";
import type { ScanFailure } from "../../../storage/abilities.ts";
import type { FileInfo, StorageDriver } from "../../../storage/driver.ts";

/** Everything of ours is below it; what else may be in a bucket is none of our business. */
const TOP = "/docker";

/** What lies beside blobs and repositories. */
export interface OtherFiles {
  files: string[];
  folders: string[];
}

/**
 * Looks for what lies below `docker/` and is neither among the blobs nor among the repositories, without going into folders.
 *
 * @param onFailure - told of folders that cannot be listed
 */
export async function listOthers(
  driver: StorageDriver,
  onFailure: (failure: ScanFailure) => void,
): Promise<OtherFiles> {
  const others: OtherFiles = { files: [], folders: [] };
  const passed = [TOP, parentOf(ROOT), ROOT, BLOBS_ROOT, REPOSITORIES_ROOT];
  for (const folder of [TOP, parentOf(ROOT), ROOT]) {
    for (const { path, isFolder } of await childrenOf(driver, folder, onFailure)) {
      if (!isFolder) others.files.push(path);
      else if (!passed.includes(path)) others.folders.push(path);
    }
  }
  return others;
}

async function childrenOf(
  driver: StorageDriver,
  path: string,
  onFailure: (failure: ScanFailure) => void,
): Promise<FileInfo[]> {
  try {
    return await driver.list(path);
  } catch (error) {
    if (!(error instanceof PathNotFoundError)) onFailure({ path, error });
    return [];
  }
}
