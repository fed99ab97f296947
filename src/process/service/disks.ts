import { existsSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** Room on the disk that a folder is on. */
export interface DiskRoom {
  path: string;
  freeBytes: number;
  totalBytes: number;
  freeInodes: number;
  /** 0: the file system does not count them. */
  totalInodes: number;
}

/**
 * @param path - a folder, which need not exist yet
 * @returns the room that others than root have there
 * @throws {Error} the system's, if it cannot be told
 */
export function roomAt(path: string): DiskRoom {
  const { bsize, blocks, bavail, files, ffree } = statfsSync(existing(path));
  return {
    path,
    freeBytes: bavail * bsize,
    totalBytes: blocks * bsize,
    freeInodes: ffree,
    totalInodes: files,
  };
}

/** Tells whether two folders, which need not exist yet, are on one disk. */
export function isOnSameDisk(left: string, right: string): boolean {
  return statSync(existing(left)).dev === statSync(existing(right)).dev;
}

function existing(path: string): string {
  return existsSync(path) || path === dirname(path) ? path : existing(dirname(path));
}
