import { PathNotFoundError } from "../../errors.ts";
import type { Digest } from "../../oci/digest.ts";
import { blobDataPath } from "../../registry/paths.ts";
import { fileSizeBytes, readSmallFile } from "../../registry/small-file.ts";
import { MAX_MANIFEST_READ_BYTES } from "../../registry/threads/read-manifests.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** Where the bytes of manifests and of their configs are. None of it is checked against its digest. */
export interface ManifestContent {
  /** @returns undefined if it is not there */
  manifest(digest: Digest): Promise<Uint8Array | undefined>;
  /** @returns undefined if it is not there */
  config(digest: Digest, maxBytes: number): Promise<Uint8Array | undefined>;
  /** @returns undefined if it is not there */
  sizeBytes(digest: Digest): Promise<number | undefined>;
}

/** What a store has, whichever repositories link it. */
export function storedContent(driver: StorageDriver): ManifestContent {
  return {
    async manifest(digest) {
      try {
        return await readSmallFile(driver, blobDataPath(digest), MAX_MANIFEST_READ_BYTES);
      } catch (error) {
        if (error instanceof PathNotFoundError) return undefined;
        throw error;
      }
    },
    config: (digest, maxBytes) => readSmallFile(driver, blobDataPath(digest), maxBytes),
    sizeBytes: (digest) => fileSizeBytes(driver, blobDataPath(digest)),
  };
}
