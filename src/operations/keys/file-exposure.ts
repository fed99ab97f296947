import { realpathSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";

/** What anybody on this host may do with a file. */
export interface FileExposure {
  read: boolean;
  write: boolean;
}

const OTHERS_READ = 0o004;
const OTHERS_WRITE = 0o002;
const OTHERS_ENTER = 0o001;

/**
 * Tells what users that are neither a file's owner nor in its group may do with it. A file that all may read in a folder
 * that they may not enter, as GitLab's packages lay out the registry's key, is not exposed.
 *
 * @param path - absolute, of a file that exists
 */
export function exposureOf(path: string, { mode }: Pick<Stats, "mode">): FileExposure {
  const reachable = isReachable(realpathSync(path));
  return { read: reachable && (mode & OTHERS_READ) !== 0, write: reachable && (mode & OTHERS_WRITE) !== 0 };
}

function isReachable(path: string): boolean {
  const folder = dirname(path);
  if ((statSync(folder).mode & OTHERS_ENTER) === 0) return false;
  return folder === path || isReachable(folder);
}
