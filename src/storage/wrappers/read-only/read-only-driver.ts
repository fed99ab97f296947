import type { StorageDriver } from "../../driver.ts";
import { ReadOnlyStoreError } from "../../errors.ts";
import { type StorageMethod, wrapDriver } from "../wrap-driver.ts";

const CHANGES: Partial<Record<StorageMethod, string>> = {
  put: "write",
  openWriter: "write",
  move: "rename",
  delete: "delete",
  deleteMany: "delete",
  removeFolder: "remove the folder",
  putIfAbsent: "create",
  sweepTemporaryFiles: "remove temporary files below",
};

/**
 * Refuses every change with {@link ReadOnlyStoreError}, so that any command can be tried on a production store. The
 * store's clock is left out, since it may need a probe file; callers fall back to the clock of the host.
 */
export function readOnlyDriver(inner: StorageDriver): StorageDriver {
  return wrapDriver(inner, {
    call: async (call, run) => {
      const operation = CHANGES[call.method];
      if (operation !== undefined) throw new ReadOnlyStoreError(inner.name, operation, call.path);
      return await run();
    },
    without: ["now"],
  });
}
