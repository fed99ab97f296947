import type { StorageSettings } from "../../config/settings.ts";
import type { CountedStore } from "./count-store.ts";
import type { TargetSpeed } from "./measure-target.ts";

/** How long a copy may take, in seconds. */
export interface TimeRange {
  fromSeconds: number;
  toSeconds: number;
}

/** How many requests a copy takes, by what they cost. */
export interface RequestEstimate {
  /** PUT, COPY, POST and LIST, of both stores. */
  writes: number;
  /** GET and HEAD, of both stores. */
  reads: number;
  /** By the public list price of AWS S3 Standard; undefined: neither store is a bucket. */
  dollars: number;
}

/** US dollars for 1,000 requests, S3 Standard, us-east-1. @see https://aws.amazon.com/s3/pricing/ */
export const PRICE_PER_1000 = { writes: 0.005, reads: 0.0004 } as const;

/** A listing has so many keys on a page. */
const KEYS_PER_PAGE = 1000;
/** The copying itself and the rounds behind it, verification included: each lists both sides. */
const PASSES = 4;
/** A few seconds of writing tell the order of magnitude; other traffic, small disks and throttling are not in it. */
const SLOWER_BY = 3;

/** @returns a range that is as wide as what is known of it */
export function estimateTime(counted: CountedStore, speed: TargetSpeed): TimeRange {
  const small = (counted.files - counted.large.files) / Math.max(speed.smallPerSecond, 0.001);
  const bytes = counted.bytes / Math.max(speed.bytesPerSecond, 1);
  return {
    fromSeconds: Math.round(Math.max(small, bytes)),
    toSeconds: Math.round((small + bytes) * SLOWER_BY),
  };
}

/** @returns undefined if neither store is a bucket */
export function estimateRequests(
  counted: CountedStore,
  source: StorageSettings,
  target: StorageSettings,
): RequestEstimate | undefined {
  const sides = [source, target].filter((side) => "bucket" in side).length;
  if (sides === 0) return undefined;
  const pages = Math.ceil(counted.files / KEYS_PER_PAGE);
  let writes = pages * PASSES * sides;
  let reads = 0;
  if ("bucket" in target) {
    const parts = Math.ceil(counted.large.bytes / target.chunkBytes);
    // Each large file begins and completes an upload.
    writes += counted.files - counted.large.files + parts + 2 * counted.large.files;
  }
  if ("bucket" in source) reads += counted.files;
  const dollars = (writes * PRICE_PER_1000.writes + reads * PRICE_PER_1000.reads) / 1000;
  return { writes, reads, dollars: Math.round(dollars * 100) / 100 };
}
