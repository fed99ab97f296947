import { closeSync, constants, fstatSync, openSync } from "node:fs";

/**
 * Opens a journal to read it. No link is followed and no pipe waited for, as no journal of ours is one.
 *
 * @returns a file descriptor
 * @throws {Error} if it cannot be opened, or is no file
 */
export function openJournal(path: string): number {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if (fstatSync(file).isFile()) return file;
  closeSync(file);
  throw new Error(`${path} is no file`);
}
