import { chmodSync, existsSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { RegistryCtlError } from "../../errors.ts";
import { makeFolders } from "../../lib/make-folders.ts";
import { messageOf } from "../../lib/message-of.ts";
import { createOwnedFile } from "../../lib/owned-file.ts";
import { fileProblemOf } from "../../lib/system-error.ts";
import { hintForWriting, keepBeside, replaceFile, requireUnchanged } from "./replace-file.ts";

/** A file and what is to become of it; see `operations/derived/planned-file.ts`. */
export interface FileToWrite {
  path: string;
  before: string | undefined;
  after: string | undefined;
  mode?: number;
  keepsBefore?: boolean;
}

const DEFAULT_MODE = 0o644;

/**
 * Writes files one after the other, each whole, and makes the folders that they need. If one cannot be written, those before
 * it get back what was in them.
 *
 * @returns the paths of backups: of files whose content is to be kept, and of those that had to be written in place
 * @throws {RegistryCtlError} that names the file
 */
export async function writePlannedFiles(files: readonly FileToWrite[]): Promise<string[]> {
  const backups: string[] = [];
  const done: FileToWrite[] = [];
  try {
    for (const file of files) {
      const backup = await writeOne(file);
      if (backup !== undefined) backups.push(backup);
      done.push(file);
    }
  } catch (error) {
    await takeBackFiles(done.reverse(), backups);
    throw error;
  }
  return backups;
}

/**
 * Gives files back what was in them, and takes away the backups, which nobody needs then.
 *
 * @param backups - what {@link writePlannedFiles} gave
 * @returns why some could not be given back, for people; their backups stay
 */
export async function takeBackFiles(
  files: readonly FileToWrite[],
  backups: readonly string[],
): Promise<string[]> {
  const problems: string[] = [];
  for (const { path, before, after } of files) {
    try {
      const backup = await writeOne({ path, before: after, after: before });
      if (backup !== undefined) rmSync(backup, { force: true });
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  if (problems.length === 0) for (const backup of backups) rmSync(backup, { force: true });
  return problems;
}

async function writeOne(file: FileToWrite): Promise<string | undefined> {
  try {
    return await change(file);
  } catch (error) {
    if (error instanceof RegistryCtlError) throw error;
    throw new RegistryCtlError("ERR_WRITE", `${file.path} cannot be written: ${fileProblemOf(error)}`, {
      cause: error,
      hint: hintForWriting(error) ?? "run as root, or write below another folder with --prefix-dir",
    });
  }
}

/** @returns where its old content is kept */
async function change(file: FileToWrite): Promise<string | undefined> {
  const { path, before, after, mode, keepsBefore = false } = file;
  if (after === undefined) {
    if (before === undefined || !existsSync(path)) return undefined;
    requireUnchanged(path, before);
    const backup = keepsBefore ? keepBeside(path) : undefined;
    rmSync(path);
    return backup;
  }
  if (before === undefined) {
    makeFolders(dirname(path), 0o755);
    if (createOwnedFile(path, Buffer.from(after), { mode: mode ?? DEFAULT_MODE })) return undefined;
    throw new RegistryCtlError("ERR_WRITE", `somebody else has made ${path} meanwhile`, {
      hint: "try again",
    });
  }
  const { backup } = await replaceFile(path, after, { expected: before, keepsOld: keepsBefore });
  if (mode !== undefined) chmodSync(path, mode);
  return backup;
}
