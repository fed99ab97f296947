import { resolve } from "node:path";
import { UsageError } from "../../errors.ts";
import type { GlobalFlags } from "../context.ts";

/** The options of all commands that work on the system's files. */
export interface PlaceFlags extends GlobalFlags {
  /** `--prefix-dir DIR`. */
  prefixDir?: string;
}

/**
 * @returns the absolute folder that stands for `/`
 * @throws {UsageError} if it is empty, as an unset variable of a script makes it
 */
export function rootFolder({ prefixDir }: PlaceFlags, cwd: string): string {
  if (prefixDir === undefined) return "/";
  if (prefixDir === "") {
    throw new UsageError("--prefix-dir is empty", { hint: "name a folder, or leave the option out" });
  }
  return resolve(cwd, prefixDir);
}
