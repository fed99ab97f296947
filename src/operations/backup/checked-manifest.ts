import { messageOf } from "../../lib/message-of.ts";
import { type Digest, digestAlgorithm, digestOf } from "../../oci/digest.ts";
import { InvalidManifestError, type Manifest, parseManifest } from "../../oci/manifest.ts";
import { isForeignLayer } from "../../oci/media-types.ts";
import { blobDataPath } from "../../registry/paths.ts";
import { readSmallFile } from "../../registry/small-file.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { FileTooLargeError } from "../../storage/errors.ts";

/** No registry takes a larger manifest. */
const MAX_BYTES = 64 * 1024 * 1024;

/** What stands where the bytes of a manifest should be. */
export type CheckedManifest =
  /** The bytes have the digest. `manifest` is undefined where they are of no kind that is known. */
  | { kind: "read"; bytes: Uint8Array; manifest: Manifest | undefined }
  | { kind: "missing" }
  | { kind: "damaged"; detail: string };

/**
 * Reads a manifest, and compares its bytes with its digest.
 *
 * @throws {StorageUnavailableError}
 */
export async function readCheckedManifest(driver: StorageDriver, digest: Digest): Promise<CheckedManifest> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await readSmallFile(driver, blobDataPath(digest), MAX_BYTES);
  } catch (error) {
    if (!(error instanceof FileTooLargeError)) throw error;
    return { kind: "damaged", detail: messageOf(error) };
  }
  if (bytes === undefined) return { kind: "missing" };
  const actual = digestOf(bytes, digestAlgorithm(digest));
  if (actual !== digest) {
    return { kind: "damaged", detail: `its ${bytes.length} bytes have the digest ${actual}` };
  }
  try {
    return { kind: "read", bytes, manifest: parseManifest(bytes) };
  } catch (error) {
    if (error instanceof InvalidManifestError) return { kind: "read", bytes, manifest: undefined };
    throw error;
  }
}

/** What a manifest refers to, as far as copies of it go. */
export interface ManifestNeeds {
  sizeBytes: number;
  /** Entries of an index: manifests, or layers that caches of BuildKit list there. */
  children: Digest[];
  /** Config and layers, by digest with the size that the manifest says, -1 if none. */
  blobs: Map<Digest, number>;
  /** Layers that clients fetch elsewhere. */
  foreign: Map<Digest, number>;
  subject: Digest | undefined;
  /** It is of no known kind: it may need anything. */
  isUnknown: boolean;
}

/** @param manifest - undefined: its kind is not known */
export function needsOf(bytes: Uint8Array, manifest: Manifest | undefined): ManifestNeeds {
  const needs: ManifestNeeds = {
    sizeBytes: bytes.length,
    children: [...new Set(manifest?.children.map(({ digest }) => digest))],
    blobs: new Map(),
    foreign: new Map(),
    subject: manifest?.subject?.digest,
    isUnknown: manifest === undefined,
  };
  for (const { digest, size, mediaType } of manifest?.blobs ?? []) {
    (isForeignLayer(mediaType) ? needs.foreign : needs.blobs).set(digest, size);
  }
  return needs;
}
