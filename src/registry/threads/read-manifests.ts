import { messageOf } from "../../lib/message-of.ts";
import { type Digest, digestAlgorithm, digestFromHex, digestOf } from "../../oci/digest.ts";
import { parseManifest } from "../../oci/manifest.ts";
import type { SmallReads } from "../../storage/abilities.ts";
import { manifestRecordBytes, writeManifestRecord } from "../graph/manifest-record.ts";
import { blobDataPath } from "../paths.ts";
import { hexAt, SHA256_BYTES } from "./digest-list.ts";

/** Registries accept manifests of 4 MiB; older versions had no limit. An index may call any blob a manifest. */
export const MAX_MANIFEST_READ_BYTES = 64 * 1024 * 1024;

/** What manifests refer to. */
export interface ManifestRecords {
  /** By index of the input: length of its record; 0 where there is no such file; -1 where it is unreadable. */
  lengths: Int32Array;
  /** The records, one behind the other. */
  records: Uint8Array;
  /** Why manifests are unreadable, in the order in which they stand in `lengths`. */
  problems: string[];
}

/**
 * Reads manifests, checks their digests and parses them.
 *
 * @param digests - sha256, packed
 */
export function readManifests(driver: SmallReads, digests: Uint8Array): ManifestRecords {
  const count = digests.length / SHA256_BYTES;
  const lengths = new Int32Array(count);
  const problems: string[] = [];
  let records = new Uint8Array(count * 512);
  let used = 0;
  for (let index = 0; index < count; index++) {
    try {
      const digest = digestFromHex("sha256", hexAt(digests, index));
      const bytes = driver.getSync(blobDataPath(digest), MAX_MANIFEST_READ_BYTES);
      if (bytes === undefined) continue;
      const manifest = parseStored(bytes, digest);
      const length = manifestRecordBytes(manifest);
      if (used + length > records.length) records = grown(records, used, used + length);
      used = writeManifestRecord(records, used, manifest, bytes.length);
      lengths[index] = length;
    } catch (error) {
      lengths[index] = -1;
      problems.push(messageOf(error));
    }
  }
  return { lengths, records: records.slice(0, used), problems };
}

/**
 * @returns the manifest
 * @throws {Error} if the bytes have another digest
 * @throws {InvalidManifestError}
 */
export function parseStored(bytes: Uint8Array, digest: Digest): ReturnType<typeof parseManifest> {
  const actual = digestOf(bytes, digestAlgorithm(digest));
  if (actual !== digest) throw new Error(`its ${bytes.length} bytes have the digest ${actual}`);
  return parseManifest(bytes);
}

function grown(bytes: Uint8Array, used: number, needed: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(2 * bytes.length, needed));
  larger.set(bytes.subarray(0, used));
  return larger;
}
