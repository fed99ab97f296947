import { statSync } from "node:fs";
import type { StorageSettings } from "../../config/settings.ts";

/** Bit of a file's mode that lets everybody read it. */
const OTHERS_READ = 0o004;

/**
 * A folder needs no keys, so that nobody may have cared who can read its configuration; a bucket's has some. The mode is left as it
 * is, since the registry may be one of those that read the file by it.
 *
 * @param file - the configuration that names the store now
 * @returns a warning if everybody can read the keys of the store in it; else none
 */
export function exposedKeys(file: string, storage: StorageSettings): string[] {
  const hasKeys = "credentials" in storage && storage.credentials !== undefined;
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0;
  if (!hasKeys || (mode & OTHERS_READ) === 0) return [];
  return [
    `everybody on this host can read ${file}, which holds the keys of the new store: let only the registry's user read it (chmod o-r)`,
  ];
}
