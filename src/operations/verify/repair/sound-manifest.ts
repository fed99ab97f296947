import { type Digest, digestAlgorithm, digestOf } from "../../../oci/digest.ts";
import { parseManifest } from "../../../oci/manifest.ts";
import { blobDataPath } from "../../../registry/paths.ts";
import { readSmallFile } from "../../../registry/small-file.ts";
import type { StorageDriver } from "../../../storage/driver.ts";
import { FileTooLargeError } from "../../../storage/errors.ts";

/** Registries accept manifests of 4 MiB. */
const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;

/**
 * Tells whether what is stored under a digest is a manifest with that digest. A damaged tag may name a layer, which a link
 * would turn into a manifest that nobody can read.
 *
 * @throws {StorageUnavailableError}
 */
export async function isSoundManifest(driver: StorageDriver, digest: Digest): Promise<boolean> {
  try {
    const bytes = await readSmallFile(driver, blobDataPath(digest), MAX_MANIFEST_BYTES);
    if (bytes === undefined || digestOf(bytes, digestAlgorithm(digest)) !== digest) return false;
    return isManifest(bytes);
  } catch (error) {
    if (error instanceof FileTooLargeError) return false;
    throw error;
  }
}

function isManifest(bytes: Uint8Array): boolean {
  try {
    parseManifest(bytes);
    return true;
  } catch {
    return false;
  }
}
