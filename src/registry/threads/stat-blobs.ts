import { messageOf } from "../../lib/message-of.ts";
import { digestFromHex } from "../../oci/digest.ts";
import type { SmallReads } from "../../storage/abilities.ts";
import { blobDataPath } from "../paths.ts";
import { hexAt, SHA256_BYTES } from "./digest-list.ts";

/** Sizes and times of blobs, by index of what was asked for; NaN where there is none or it cannot be told. */
export interface BlobStats {
  sizes: Float64Array;
  times: Float64Array;
  /** Why some could not be told. */
  problems: { index: number; message: string }[];
}

/** @param digests - sha256, packed */
export function statBlobs(driver: SmallReads, digests: Uint8Array): BlobStats {
  const count = digests.length / SHA256_BYTES;
  const stats: BlobStats = {
    sizes: new Float64Array(count).fill(Number.NaN),
    times: new Float64Array(count).fill(Number.NaN),
    problems: [],
  };
  for (let index = 0; index < count; index++) {
    try {
      const info = driver.statFileSync(blobDataPath(digestFromHex("sha256", hexAt(digests, index))));
      if (info === undefined) continue;
      stats.sizes[index] = info.sizeBytes;
      stats.times[index] = info.modifiedMs;
    } catch (error) {
      stats.problems.push({ index, message: messageOf(error) });
    }
  }
  return stats;
}
