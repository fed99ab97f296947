import { hasSmallReads } from "../../abilities.ts";
import type { StorageDriver } from "../../driver.ts";
import { ReadOnlyStoreError } from "../../errors.ts";
import { canCheckReachable } from "../../object-store-abilities.ts";
import { type StorageCall, type StorageMethod, wrapDriver } from "../wrap-driver.ts";

const CHANGES: Partial<Record<StorageMethod, string>> = {
  put: "write",
  putOver: "write",
  openWriter: "write",
  move: "rename",
  delete: "delete",
  deleteMany: "delete",
  deleteFileSync: "delete",
  removeFolder: "remove the folder",
  removeFolderSync: "remove the folder",
  putIfAbsent: "create",
  sweepTemporaryFiles: "remove temporary files below",
  setModified: "change the time of",
  copyFrom: "write",
  linkFiles: "write",
  moveFolder: "rename",
  abandonUnfinished: "remove the unfinished",
};

/**
 * Refuses every change with {@link ReadOnlyStoreError}, so that any command can be tried on a production store. The clock of
 * a disk is left out, since it is asked by a probe file; callers fall back to the clock of the host. Whether a store
 * works is tried without writing, whoever asks.
 */
export function readOnlyDriver(inner: StorageDriver): StorageDriver {
  const refuse = ({ method, path }: StorageCall): void => {
    const operation = CHANGES[method];
    if (operation !== undefined) throw new ReadOnlyStoreError(inner.name, operation, path);
  };
  const driver = wrapDriver(inner, {
    call: async (call, run) => {
      refuse(call);
      return await run();
    },
    callSync: (call, run) => {
      refuse(call);
      return run();
    },
    without: hasSmallReads(inner) ? ["now"] : [],
  });
  if (canCheckReachable(driver)) {
    const check = driver.checkReachable;
    driver.checkReachable = () => check(true);
  }
  return driver;
}
