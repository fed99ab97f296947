import { type Digest, isDigest } from "../oci/digest.ts";
import type { FileInfo, StorageDriver } from "../storage/driver.ts";
import { lastSegment, listFolder, subfolderNamesIfAny } from "./list-folder.ts";
import { revisionsPath } from "./paths.ts";

/** @returns the folders of a repository's revision links, one for each algorithm in use */
export async function revisionFolders(driver: StorageDriver, repository: string): Promise<FileInfo[]> {
  return (await listFolder(driver, revisionsPath(repository))).filter((folder) => folder.isFolder);
}

/**
 * Lists what {@link revisionFolders} contain, in byte order. The Go registry leaves empty folders behind when it
 * deletes, so a link need not exist.
 */
export async function listRevisions(driver: StorageDriver, folders: readonly FileInfo[]): Promise<Digest[]> {
  const digests: Digest[] = [];
  for (const folder of folders) {
    const algorithm = lastSegment(folder.path);
    for (const hex of await subfolderNamesIfAny(driver, folder.path)) {
      const digest = `${algorithm}:${hex}`;
      if (isDigest(digest)) digests.push(digest);
    }
  }
  return digests;
}
