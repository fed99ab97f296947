import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";

const TEMPORARY_NAME = /^\.registry-ctl-[0-9a-f]{16}\.tmp$/;

/**
 * Tells whether a file is one that the driver writes before it renames it. Such files stand beside the file that they
 * will become, are in no listing, and are left behind only when the process dies.
 */
export function isTemporaryName(name: string): boolean {
  return TEMPORARY_NAME.test(name);
}

/** A new name beside a file, at random, so that no two processes ever choose the same. */
export function temporaryPathFor(file: string): string {
  return join(dirname(file), `.registry-ctl-${randomBytes(8).toString("hex")}.tmp`);
}
