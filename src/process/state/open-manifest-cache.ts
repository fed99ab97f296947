import { join } from "node:path";
import { MANIFEST_CACHE_FILE, ManifestCacheFile } from "../../state/manifest-cache.ts";
import { currentUserId } from "../machine/run-process.ts";

/**
 * @param stateFolder - of the store
 * @param onProblem - is told why what earlier runs have read cannot be used, or this one's not be kept
 * @returns what earlier runs have read of manifests
 */
export function openManifestCache(
  stateFolder: string,
  onProblem: (problem: string) => void,
): ManifestCacheFile {
  return new ManifestCacheFile({
    path: join(stateFolder, MANIFEST_CACHE_FILE),
    uid: currentUserId(),
    onProblem,
  });
}
