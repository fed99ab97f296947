import { messageOf } from "../../lib/message-of.ts";
import { canDeleteMany, hasEmptyFolders, hasSynchronousFolders } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { hasUnfinishedWrites } from "../../storage/object-store-abilities.ts";
import { removeEmptyFolder } from "../apply/remove-empty-folder.ts";
import { parentOf, uploadDataPath, uploadPath, uploadStartedAtPath } from "../paths.ts";
import { deleteIfThere } from "../small-file.ts";
import { lookAtUpload, type UploadName, type UploadState } from "./look-at-upload.ts";

/** Something that could not be removed. */
export interface FailedRemoval {
  path: string;
  error: string;
}

/**
 * Removes what was seen of an upload, each file by its path, and then the folders that are empty. The start time goes
 * first, since no registry goes on with an upload that has none. What is gone already is no failure.
 *
 * @param beforeMs - parts that were begun later, by the store's clock, are left alone
 * @returns what could not be removed, or is there still
 */
export async function removeUpload(
  driver: StorageDriver,
  name: UploadName,
  { files, unfinished }: UploadState,
  beforeMs: number,
): Promise<FailedRemoval[]> {
  const startedAt = uploadStartedAtPath(name.repository, name.uuid);
  const paths = files.map(({ path }) => path);
  const failed: FailedRemoval[] = [];
  if (paths.includes(startedAt)) await attempt(failed, startedAt, () => deleteIfThere(driver, startedAt));
  const data = uploadDataPath(name.repository, name.uuid);
  if (unfinished && hasUnfinishedWrites(driver)) {
    await attempt(failed, data, () => driver.abandonUnfinished(data, beforeMs));
  }
  await removeFiles(
    driver,
    paths.filter((path) => path !== startedAt),
    failed,
  );
  await removeFolders(driver, uploadPath(name.repository, name.uuid), paths, beforeMs);
  if (failed.length === 0 && hasUnfinishedWrites(driver)) await findRemains(driver, name, paths, failed);
  return failed;
}

async function removeFiles(
  driver: StorageDriver,
  paths: readonly string[],
  failed: FailedRemoval[],
): Promise<void> {
  // Synchronous folders block: a server purges too.
  if (canDeleteMany(driver) && !hasSynchronousFolders(driver)) {
    if (paths.length === 0) return;
    for (const { path, error } of await driver.deleteMany(paths))
      failed.push({ path, error: messageOf(error) });
    return;
  }
  for (const path of paths) await attempt(failed, path, () => deleteIfThere(driver, path));
}

/** Deepest first, the folder of the upload last; one that is not empty stays. */
async function removeFolders(
  driver: StorageDriver,
  uploadFolder: string,
  paths: readonly string[],
  beforeMs: number,
): Promise<void> {
  if (!hasEmptyFolders(driver)) return;
  const folders = new Set([uploadFolder]);
  for (const path of paths) {
    for (let folder = parentOf(path); folder.length > uploadFolder.length; folder = parentOf(folder)) {
      folders.add(folder);
    }
  }
  try {
    for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
      await removeEmptyFolder(driver, folder, beforeMs);
    }
  } catch {
    // An empty folder that stays behind is found again when it is old.
  }
}

/** An object store may answer that it has deleted what a rule of it keeps. */
async function findRemains(
  driver: StorageDriver,
  name: UploadName,
  paths: readonly string[],
  failed: FailedRemoval[],
): Promise<void> {
  const { files, unfinished } = await lookAtUpload(driver, name);
  const error = "is there still, although the store has answered that it is deleted";
  for (const { path } of files) if (paths.includes(path)) failed.push({ path, error });
  if (unfinished) failed.push({ path: uploadDataPath(name.repository, name.uuid), error });
}

async function attempt(failed: FailedRemoval[], path: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    failed.push({ path, error: messageOf(error) });
  }
}
