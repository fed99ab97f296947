import { DigestMismatchError } from "../errors.ts";
import type { Digest } from "../oci/digest.ts";
import { InvalidManifestError } from "../oci/manifest.ts";
import { ManifestUnknownError } from "../registry/errors.ts";
import type { StoredManifest } from "../registry/manifest-cache.ts";
import type { Repository } from "../registry/repository.ts";
import type { ServerContext } from "./server-context.ts";

/**
 * Reads a manifest for a client. One whose stored bytes are damaged is logged and does not exist for clients: so the
 * next push stores it again, which mends it, where a fault of the server would only be waited for.
 *
 * @throws {ManifestUnknownError}
 */
export async function readManifest(
  context: ServerContext,
  repository: Repository,
  digest: Digest,
): Promise<StoredManifest> {
  try {
    return await repository.manifests.get(digest);
  } catch (error) {
    if (!(error instanceof DigestMismatchError || error instanceof InvalidManifestError)) throw error;
    context.logger.error("stored manifest is damaged", {
      repository: repository.name,
      digest,
      error: error.message,
    });
    throw new ManifestUnknownError(repository.name, digest, { cause: error });
  }
}
