import { resolve } from "node:path";
import type { LoadedConfig, StorageSettings } from "../config/settings.ts";
import { messageOf } from "../lib/message-of.ts";
import { registryUserOf } from "../process/machine/registry-user.ts";
import { becomeUser, switchToStoreOwner } from "../process/machine/switch-user.ts";
import { takeStoreEnvironment } from "../process/machine/take-store-environment.ts";
import { prepareRateFolder } from "../process/state/rate-folder.ts";
import { type OriginalTimes, readOriginalTimes } from "../registry/copy/times-file.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { openDriver } from "../storage/open-driver.ts";
import { timesDriver } from "../storage/wrappers/times/times-driver.ts";

/**
 * Opens the configured store. Run by root on a store that belongs to somebody else, the process becomes that user
 * first, so that nothing is left behind that the registry cannot read or remove. On a bucket it becomes the registry's user,
 * whose state it shares: as root it would write into a folder in which that user can put links to anything.
 */
export async function openStorage(
  config: LoadedConfig,
  options: {
    readOnly: boolean;
    /** `--state-dir`. */
    stateDir: string | undefined;
    /** On a bucket: root stays root, as a server may need it to. */
    keepUser: boolean;
    /** Files have the times that the store gives them, whatever is known of when they were changed elsewhere. */
    storeTimes: boolean;
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
  const user = options.keepUser ? undefined : await registryUserOf(config);
  const rateFolder = prepareRateFolder(storage, options.stateDir, notice, user);
  if (user !== undefined) notice(becomeUser(user.owner, user.why));
  const driver = await openDriver(storage, {
    ...{ readOnly, rateFolder, env: process.env },
    onNotice: notice,
    onRequest: notice,
  });
  const keepsTimes = storage.driver === "filesystem" || storage.driver === "inmemory";
  if (keepsTimes || options.storeTimes) return driver;
  return timesDriver(driver, () => originalTimesOf(driver, notice));
}

/** Without them files seem to be younger than they are, and are kept longer. */
async function originalTimesOf(
  driver: StorageDriver,
  notice: (text: string) => void,
): Promise<OriginalTimes | undefined> {
  try {
    return await readOriginalTimes(driver);
  } catch (error) {
    notice(`warning: what was copied here counts as changed when it was copied: ${messageOf(error)}`);
    return undefined;
  }
}

/**
 * Opens a store beside the one that is configured, with the rights that the process has by then, and its requests limited for
 * this process alone. Nothing is made or changed by it.
 */
export function openTarget(
  storage: StorageSettings,
  options: { readOnly: boolean; notice: (text: string) => void },
): Promise<StorageDriver> {
  const { readOnly, notice } = options;
  return openDriver(storage, { readOnly, env: process.env, onNotice: notice, onRequest: notice });
}
