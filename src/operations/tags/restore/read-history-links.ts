import { tagPath } from "../../../registry/paths.ts";
import { statSmallFile } from "../../../registry/small-file.ts";
import type { StorageDriver } from "../../../storage/driver.ts";
import { listTagFiles } from "../tag-links.ts";
import type { HistoryLink } from "./tag-past.ts";

/**
 * Reads when a tag was last set to what, by the links of its history.
 *
 * @returns in any order; none where there is no such tag
 * @throws {StorageUnavailableError} if they cannot be listed
 */
export async function readHistoryLinks(
  driver: StorageDriver,
  repository: string,
  tag: string,
  signal?: AbortSignal,
): Promise<HistoryLink[]> {
  const files = await listTagFiles(driver, tagPath(repository, tag), signal);
  const links: HistoryLink[] = [];
  for (const { path, digest, modifiedMs } of files.get(tag)?.history ?? []) {
    // A listing of folders on a disk tells no times.
    const ms = modifiedMs ?? (await statSmallFile(driver, path))?.modifiedMs;
    if (ms !== undefined) links.push({ digest, ms });
  }
  return links;
}
