import { messageOf } from "./message-of.ts";

/** @returns the code of an error, such as the system's `ENOENT`; empty if it has none */
export function errorCodeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** @returns why a file cannot be used, in words where the system's code needs any; it does not name the file */
export function fileProblemOf(error: unknown): string {
  const code = errorCodeOf(error);
  return REASONS[code] ?? (error instanceof Error && "syscall" in error ? code : messageOf(error));
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EISDIR: "it is a folder",
  EACCES: "permission denied (EACCES)",
  ENOSPC: "its disk has no room, or no inode, left (ENOSPC)",
  EDQUOT: "the quota on its disk is used up (EDQUOT)",
};
