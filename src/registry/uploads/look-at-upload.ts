import { PathNotFoundError } from "../../errors.ts";
import { hasEmptyFolders } from "../../storage/abilities.ts";
import type { FileInfo, StorageDriver } from "../../storage/driver.ts";
import { FileTooLargeError } from "../../storage/errors.ts";
import { hasUnfinishedWrites, type UnfinishedAmount } from "../../storage/object-store-abilities.ts";
import { uploadDataPath, uploadPath, uploadStartedAtPath } from "../paths.ts";
import { readSmallFile } from "../small-file.ts";
import { isUploadFile, MAX_STARTED_AT_BYTES, parseStartedAt } from "./upload-files.ts";

/** Which upload, of all repositories. */
export interface UploadName {
  repository: string;
  uuid: string;
}

/** What there is of an upload at one moment. */
export interface UploadState {
  /** The files that an upload has. */
  files: FileInfo[];
  /** Files in its folder that no registry has put there. */
  foreign: FileInfo[];
  /** Parts that lie outside of files, on object stores. */
  unfinished: UnfinishedAmount | undefined;
  /** Of files and parts. */
  sizeBytes: number;
  /** When anything of it was last written, by the store's clock; undefined if there is nothing at all of it. */
  writtenMs: number | undefined;
}

/** When an upload was begun, by the clock of the registry that began it. */
export type StartTime = { kind: "told"; ms: number } | { kind: "missing" } | { kind: "damaged" };

/** Looks at an upload in the store, at nothing that was known before. */
export async function lookAtUpload(
  driver: StorageDriver,
  { repository, uuid }: UploadName,
): Promise<UploadState> {
  const folder = uploadPath(repository, uuid);
  const files: FileInfo[] = [];
  const foreign: FileInfo[] = [];
  for (const file of await filesBelow(driver, folder)) {
    (isUploadFile(file.path.slice(folder.length + 1)) ? files : foreign).push(file);
  }
  const unfinished = hasUnfinishedWrites(driver)
    ? await driver.unfinishedAmount(uploadDataPath(repository, uuid))
    : undefined;
  const times = [...files, ...foreign].map(({ modifiedMs }) => modifiedMs);
  if (unfinished) times.push(unfinished.writtenMs);
  // A folder that a registry has only just made, or of which a removal was interrupted.
  if (times.length === 0) times.push(...(await folderTime(driver, folder)));
  return {
    files,
    foreign,
    unfinished,
    sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, unfinished?.sizeBytes ?? 0),
    writtenMs: times.length === 0 ? undefined : Math.max(...times),
  };
}

/** Reads what an upload says of its start. */
export async function readStartTime(
  driver: StorageDriver,
  { repository, uuid }: UploadName,
): Promise<StartTime> {
  try {
    const content = await readSmallFile(driver, uploadStartedAtPath(repository, uuid), MAX_STARTED_AT_BYTES);
    if (content === undefined) return { kind: "missing" };
    const ms = parseStartedAt(content);
    return ms === undefined ? { kind: "damaged" } : { kind: "told", ms };
  } catch (error) {
    if (error instanceof FileTooLargeError) return { kind: "damaged" };
    throw error;
  }
}

async function filesBelow(driver: StorageDriver, folder: string): Promise<FileInfo[]> {
  const files: FileInfo[] = [];
  try {
    for await (const file of driver.walk(folder)) files.push(file);
  } catch (error) {
    // It goes while it is looked at: what was seen of it is gone too, or is found the next time.
    if (!(error instanceof PathNotFoundError)) throw error;
  }
  return files;
}

async function folderTime(driver: StorageDriver, folder: string): Promise<number[]> {
  if (!hasEmptyFolders(driver)) return [];
  try {
    const info = await driver.stat(folder);
    return info.isFolder ? [info.modifiedMs] : [];
  } catch (error) {
    if (error instanceof PathNotFoundError) return [];
    throw error;
  }
}
