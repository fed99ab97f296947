import { dirname } from "node:path";
import type { FsOperations } from "./fs-operations.ts";
import { isMissing } from "./translate-error.ts";

/**
 * @param path - in the file system; what is missing of it would be made on the disk of the nearest folder above it
 * @returns how many bytes and files others than root may still write there
 */
export async function roomAt(
  fs: FsOperations,
  path: string,
): Promise<{ bytes: number; files: number | undefined }> {
  for (let at = path; ; at = dirname(at)) {
    try {
      const { bsize, bavail, files, ffree } = await fs.statfs(at);
      return { bytes: bavail * bsize, files: files === 0 ? undefined : ffree };
    } catch (error) {
      if (!isMissing(error) || at === dirname(at)) throw error;
    }
  }
}
