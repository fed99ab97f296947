import type { OpenedFile } from "../abilities.ts";
import type { FsFile, FsStat } from "./fs-operations.ts";

/**
 * An open file as the caller of a driver sees it.
 *
 * @param translate - turns an error of the file system into one of ours
 */
export function openedFile(file: FsFile, stat: FsStat, translate: (error: unknown) => unknown): OpenedFile {
  let closed = false;
  return {
    sizeBytes: stat.size,
    modifiedMs: stat.mtimeMs,
    read: async (buffer, position) => {
      try {
        return await file.read(buffer, position);
      } catch (error) {
        throw translate(error);
      }
    },
    close: async () => {
      if (closed) return;
      closed = true;
      await file.close();
    },
  };
}
