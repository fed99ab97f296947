import type { Descriptor } from "../oci/descriptor.ts";
import type { Manifest } from "../oci/manifest.ts";
import {
  DOCKER_MANIFEST_LIST,
  isIndexType,
  OCI_ARTIFACT,
  OCI_INDEX,
  OCI_MANIFEST,
} from "../oci/media-types.ts";
import type { AcceptedTypes } from "./accept.ts";
import { ApiError } from "./api-error.ts";

/** What a client gets that asked for a manifest: the manifest itself, or the child for its platform. */
export type Negotiated = { kind: "as-stored" } | { kind: "child"; child: Descriptor };

const AS_STORED: Negotiated = { kind: "as-stored" };

/** Types that are only given to clients that know them. Docker's own were there before Accept meant anything. */
const MUST_BE_ACCEPTED: ReadonlySet<string> = new Set([OCI_MANIFEST, OCI_INDEX, OCI_ARTIFACT]);

/**
 * Decides by the Accept header as the Go registry does, except that wildcards count and that no header means that
 * anything is taken. A client that knows no indexes and asks by tag gets the image for linux/amd64, which is what
 * such clients ran on.
 *
 * @param byTag - only then may another manifest be given than the one that the reference names
 * @throws {ApiError} MANIFEST_UNKNOWN that tells what the client should have accepted
 * @see https://github.com/distribution/distribution/blob/v3.0.0/registry/handlers/manifests.go
 */
export function negotiateManifest(
  manifest: Manifest,
  accepted: AcceptedTypes | undefined,
  byTag: boolean,
): Negotiated {
  const { mediaType } = manifest;
  if (accepted === undefined || accepted.accepts(mediaType)) return AS_STORED;
  if (byTag && isIndexType(mediaType)) {
    const child = manifest.children.find(isDefaultPlatform);
    const known = child && (accepted.accepts(child.mediaType) || !MUST_BE_ACCEPTED.has(child.mediaType));
    if (child && known) return { kind: "child", child };
    if (child === undefined && mediaType === DOCKER_MANIFEST_LIST) {
      throw unacceptable("the manifest list has no entry for linux/amd64", mediaType, accepted);
    }
  }
  if (!MUST_BE_ACCEPTED.has(mediaType) && !(byTag && isIndexType(mediaType))) return AS_STORED;
  throw unacceptable(
    "the manifest exists, but the Accept header does not take its type",
    mediaType,
    accepted,
  );
}

function isDefaultPlatform(child: Descriptor): boolean {
  return child.platform?.os === "linux" && child.platform.architecture === "amd64";
}

function unacceptable(reason: string, mediaType: string, accepted: AcceptedTypes): ApiError {
  return new ApiError("MANIFEST_UNKNOWN", {
    detail: { reason, mediaType, accepted: accepted.listed.slice(0, 20) },
  });
}
