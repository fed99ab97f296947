import type { SynchronousFolders } from "../../storage/abilities.ts";
import { BLOBS_ROOT } from "../paths.ts";
import { packNames } from "./digest-list.ts";

/**
 * Lists two-digit folders of blobs.
 *
 * @returns for each folder the sha256 digests for which there are folders, in key order, packed; whether a blob is in
 *   them has not been looked at. Undefined if anything is not as a registry writes it.
 */
export function listBlobs(
  driver: SynchronousFolders,
  prefixes: readonly string[],
): (Uint8Array | undefined)[] {
  return prefixes.map((prefix) => {
    try {
      const names = driver.listNamesSync(`${BLOBS_ROOT}/sha256/${prefix}`);
      if (names?.every((name) => name.startsWith(prefix)) !== true) return undefined;
      return packNames(names.sort());
    } catch {
      // Told of by those who list it with all care.
      return undefined;
    }
  });
}
