import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { StorageSettings } from "../config/settings.ts";

/**
 * A text that is the same for every configuration that names the same store, by whatever path, also before the store
 * exists; for a store in memory it says nothing.
 */
export function storeIdentity(storage: StorageSettings): string {
  if (storage.driver === "inmemory") return "inmemory:";
  return `filesystem:${realLocation(resolve(storage.rootDirectory))}`;
}

function realLocation(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path === dirname(path) ? path : join(realLocation(dirname(path)), basename(path));
  }
}
