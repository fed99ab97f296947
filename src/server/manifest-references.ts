import type { Manifest } from "../oci/manifest.ts";
import { isForeignLayer } from "../oci/media-types.ts";
import type { Repository } from "../registry/repository.ts";
import { ApiError } from "./api-error.ts";

/**
 * Checks that everything a manifest refers to is in its repository and is as large as it says, as a wrong size would
 * make every pull fail. Layers that clients fetch elsewhere, and the subject, need not be there.
 *
 * @throws {ApiError} MANIFEST_BLOB_UNKNOWN with one entry for each missing digest; SIZE_INVALID
 */
export async function validateReferences(repository: Repository, manifest: Manifest): Promise<void> {
  const sizes = await repository.manifests.sizesOfReferences(manifest);
  const missing = [...sizes]
    .filter(([, sizeBytes]) => sizeBytes === undefined)
    .map(([digest]) => ({ digest }));
  if (missing.length > 0) throw new ApiError("MANIFEST_BLOB_UNKNOWN", { details: missing });
  for (const { digest, size, mediaType } of [...manifest.blobs, ...manifest.children]) {
    const sizeBytes = sizes.get(digest);
    if (sizeBytes === undefined || sizeBytes === size || isForeignLayer(mediaType)) continue;
    const reason = `the manifest says ${size} bytes, the store has ${sizeBytes}`;
    throw new ApiError("SIZE_INVALID", { detail: { digest, reason } });
  }
}
