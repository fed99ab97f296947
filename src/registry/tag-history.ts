import type { Digest } from "../oci/digest.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { writeLink } from "./link.ts";
import { tagCurrentLinkPath, tagHistoryLinkPath } from "./paths.ts";
import { isRemote } from "./remote-store.ts";
import { statSmallFile } from "./small-file.ts";

/**
 * Looks, after the current link of a tag was written, whether the history link that came before it is there, and writes it again
 * if not: whoever deletes the tag removes its history when there is no current link, and may have done so in between. `tags delete`
 * looks for the link again when the history is gone, so that one of both sees what the other has done; a server that deletes a
 * tag keeps its own pushes of it out. On an object store, where each look is a request, this does nothing.
 *
 * @returns the path of the history link if it was written again
 * @throws {StorageUnavailableError}
 */
export async function keepTagHistory(
  driver: StorageDriver,
  repository: string,
  tag: string,
  digest: Digest,
): Promise<string | undefined> {
  if (isRemote(driver)) return undefined;
  const history = tagHistoryLinkPath(repository, tag, digest);
  if ((await statSmallFile(driver, history)) !== undefined) return undefined;
  // Deleted altogether by now.
  if ((await statSmallFile(driver, tagCurrentLinkPath(repository, tag))) === undefined) return undefined;
  await writeLink(driver, history, digest);
  return history;
}
