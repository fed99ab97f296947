import type { Descriptor } from "../oci/descriptor.ts";
import type { Manifest } from "../oci/manifest.ts";
import { isForeignLayer } from "../oci/media-types.ts";
import { BlobUnknownError } from "../registry/errors.ts";
import type { Repository } from "../registry/repository.ts";
import { ApiError } from "./api-error.ts";

/**
 * Checks that everything a manifest refers to is in its repository and is as large as it says. Layers that clients
 * fetch elsewhere, and the subject, need not be there.
 *
 * @throws {ApiError} MANIFEST_BLOB_UNKNOWN with one entry for each missing digest; SIZE_INVALID
 */
export async function validateReferences(repository: Repository, manifest: Manifest): Promise<void> {
  const missing = await repository.manifests.findMissingReferences(manifest);
  if (missing.length > 0) {
    throw new ApiError("MANIFEST_BLOB_UNKNOWN", { details: missing.map((digest) => ({ digest })) });
  }
  for (const blob of manifest.blobs) await checkSize(repository, blob);
}

/** A wrong size would make every pull fail, so it is better told to the one who pushes. */
async function checkSize(repository: Repository, blob: Descriptor): Promise<void> {
  if (blob.size < 0 || isForeignLayer(blob.mediaType)) return;
  const sizeBytes = await storedSize(repository, blob);
  if (sizeBytes === undefined || sizeBytes === blob.size) return;
  throw new ApiError("SIZE_INVALID", {
    detail: {
      digest: blob.digest,
      reason: `the manifest says ${blob.size} bytes, the blob has ${sizeBytes}`,
    },
  });
}

async function storedSize(repository: Repository, blob: Descriptor): Promise<number | undefined> {
  try {
    return (await repository.blobs.stat(blob.digest)).sizeBytes;
  } catch (error) {
    if (error instanceof BlobUnknownError) return undefined;
    throw error;
  }
}
