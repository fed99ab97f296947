import type { DurableChanges } from "./durable-changes.ts";
import type { StoreFolder } from "./store-folder.ts";
import { errorCode } from "./translate-error.ts";

/**
 * The modification time that the file system gives to a new file. Where none can be made (no room, no root folder
 * yet), the clock of this host, which for a local disk is the same.
 *
 * @returns milliseconds since 1970
 */
export async function timeOf(store: StoreFolder, changes: DurableChanges): Promise<number> {
  try {
    await store.fs.stat(store.location);
    const { file, temporaryPath } = await changes.openTemporary(store.absolute("/clock"));
    try {
      await file.write(new Uint8Array(1), 0);
      return (await file.stat()).mtimeMs;
    } finally {
      await file.close();
      await changes.discard(temporaryPath);
    }
  } catch (error) {
    if (["ENOSPC", "EDQUOT", "ENOENT"].includes(errorCode(error) ?? "")) return Date.now();
    throw store.translate(error, "create a probe file in", "/");
  }
}
