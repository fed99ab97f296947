import type { StorageSettings } from "../config/settings.ts";
import type { Reopenable } from "./abilities.ts";
import type { StorageDriver } from "./driver.ts";
import { FilesystemDriver } from "./filesystem/filesystem-driver.ts";
import { MemoryDriver } from "./memory/memory-driver.ts";
import { limitDriver } from "./wrappers/limit/limit-driver.ts";
import { readOnlyDriver } from "./wrappers/read-only/read-only-driver.ts";
import { retryDriver } from "./wrappers/retry/retry-driver.ts";

/**
 * Opens the store that a configuration names. Nothing is made or changed by this.
 *
 * @param options.readOnly - every change is refused
 */
export function openDriver(settings: StorageSettings, options: { readOnly?: boolean } = {}): StorageDriver {
  const readOnly = options.readOnly ?? false;
  const plain = openPlain(settings);
  const driver = readOnly ? readOnlyDriver(plain) : plain;
  const reopenable: Partial<Reopenable> =
    settings.driver === "filesystem" ? { openedWith: { settings, readOnly } } : {};
  return Object.assign(driver, reopenable);
}

function openPlain(settings: StorageSettings): StorageDriver {
  switch (settings.driver) {
    case "filesystem": {
      const driver = new FilesystemDriver({ rootDirectory: settings.rootDirectory });
      return limitDriver(retryDriver(driver), Math.max(1, settings.maxThreads));
    }
    case "inmemory":
      return new MemoryDriver();
  }
}
