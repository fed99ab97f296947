import type { StorageSettings } from "../config/settings.ts";
import type { Reopenable } from "./abilities.ts";
import type { StorageDriver } from "./driver.ts";
import { FilesystemDriver } from "./filesystem/filesystem-driver.ts";
import { MemoryDriver } from "./memory/memory-driver.ts";
import { limitDriver } from "./wrappers/limit/limit-driver.ts";
import { readOnlyDriver } from "./wrappers/read-only/read-only-driver.ts";
import { retryDriver } from "./wrappers/retry/retry-driver.ts";

/** Options of {@link openDriver}. */
export interface OpenOptions {
  /** Every change is refused. */
  readOnly?: boolean;
  /**
   * A folder that all processes of this host share which work on this store: a limit of requests per second is kept by
   * all of them together. Undefined: each process keeps it for itself.
   */
  rateFolder?: string | undefined;
  /** Variables of the process, for the proxies that they name on the way to an object store. Default: none. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Told what a person should know, at most once for each cause. */
  onNotice?: ((message: string) => void) | undefined;
  /** Told of each request to an object store, on one line, if its settings ask for that. */
  onRequest?: ((line: string) => void) | undefined;
}

/**
 * Opens the store that a configuration names. Nothing is made or changed by this, and nothing is asked of the store. What
 * only one driver needs is loaded only for it.
 */
export async function openDriver(
  settings: StorageSettings,
  options: OpenOptions = {},
): Promise<StorageDriver> {
  const readOnly = options.readOnly ?? false;
  const plain = await openPlain(settings, options);
  const driver = readOnly ? readOnlyDriver(plain) : plain;
  const reopenable: Partial<Reopenable> =
    settings.driver === "filesystem" ? { openedWith: { settings, readOnly } } : {};
  return Object.assign(driver, reopenable);
}

async function openPlain(settings: StorageSettings, options: OpenOptions): Promise<StorageDriver> {
  switch (settings.driver) {
    case "s3":
    case "s3_v2": {
      const { openS3Driver } = await import("./s3/open-s3-driver.ts");
      return openS3Driver(settings, options);
    }
    case "filesystem": {
      const driver = new FilesystemDriver({ rootDirectory: settings.rootDirectory });
      return limitDriver(retryDriver(driver), Math.max(1, settings.maxThreads));
    }
    case "inmemory":
      return new MemoryDriver();
  }
}
