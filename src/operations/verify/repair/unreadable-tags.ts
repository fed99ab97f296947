import { blobDataPath, classifyPath, tagIndexPath } from "../../../registry/paths.ts";
import { fileSizeBytes } from "../../../registry/small-file.ts";
import type { StorageDriver } from "../../../storage/driver.ts";
import type { UnreadableTag } from "./repair-step.ts";

/** So much of what a damaged link holds is told. */
const TOLD_CHARACTERS = 200;

/** @returns what the store itself says of what a tag has pointed to, the latest first */
export async function lookAtTag(
  driver: StorageDriver,
  { repository, tag, path, text }: Pick<UnreadableTag, "repository" | "tag" | "path" | "text">,
): Promise<UnreadableTag> {
  const found: (UnreadableTag["history"][number] & { modifiedMs: number })[] = [];
  try {
    for await (const file of driver.walk(tagIndexPath(repository, tag))) {
      const entry = classifyPath(file.path);
      if (entry.kind !== "tagHistoryLink") continue;
      const { modifiedMs } = file;
      const isStored = (await fileSizeBytes(driver, blobDataPath(entry.digest))) !== undefined;
      found.push({ digest: entry.digest, at: new Date(modifiedMs).toISOString(), isStored, modifiedMs });
    }
  } catch {
    // What is known is told; the repair goes on without the rest.
  }
  found.sort((a, b) => b.modifiedMs - a.modifiedMs);
  const history = found.map(({ digest, at, isStored }) => ({ digest, at, isStored }));
  return { repository, tag, path, text: text.slice(0, TOLD_CHARACTERS), history, audit: [] };
}
