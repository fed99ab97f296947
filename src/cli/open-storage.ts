import { resolve } from "node:path";
import type { LoadedConfig } from "../config/settings.ts";
import { prepareRateFolder } from "../process/rate-folder.ts";
import { switchToStoreOwner } from "../process/switch-user.ts";
import { takeStoreEnvironment } from "../process/take-store-environment.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { openDriver } from "../storage/open-driver.ts";

/**
 * Opens the configured store. Run by root on a store that belongs to somebody else, the process becomes that user
 * first, so that nothing is left behind that the registry cannot read or remove.
 */
export async function openStorage(
  config: LoadedConfig,
  options: {
    readOnly: boolean;
    /** `--state-dir`. */
    stateDir: string | undefined;
    /** `--env-from`. */
    envFrom: readonly string[];
    cwd: string;
    notice: (text: string) => void;
  },
): Promise<StorageDriver> {
  const { storage } = config.settings;
  if (storage.driver === "filesystem") {
    const switched = switchToStoreOwner(resolve(storage.rootDirectory));
    if (switched) options.notice(switched);
  }
  await takeStoreEnvironment(storage, options.envFrom, options.cwd);
  const { readOnly, notice } = options;
  const rateFolder = prepareRateFolder(storage, options.stateDir, notice);
  return openDriver(storage, {
    ...{ readOnly, rateFolder, env: process.env },
    onNotice: notice,
    onRequest: notice,
  });
}
