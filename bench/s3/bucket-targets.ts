import { type Check, timesAsFast } from "../gc/targets.ts";
import type { Listing } from "./measure-listing.ts";
import type { BucketResult } from "./side-by-side.ts";

const DRY_RUN_RATIO = 15;
const REAL_RUN_RATIO = 10;
const LATE_SECONDS = 20;
const LISTING_SECONDS = 3;

/** Holds the figures of a bucket against what it is to reach. What was not measured is left out. */
export function checkBuckets(result: BucketResult, listing: Listing | undefined): Check[] {
  const { cold, real, late, goDryRun, goReal, requests, requestLimit } = result;
  const sum = Object.values(requests).reduce((total, count) => total + count, 0);
  return [
    ...check("dry run: times as fast", timesAsFast(cold, goDryRun), DRY_RUN_RATIO, "times", "more"),
    ...check("real run: times as fast", timesAsFast(real, goReal), REAL_RUN_RATIO, "times", "more"),
    ...check("dry run: requests", sum, requestLimit, "requests", "less"),
    ...check("dry run with latency: seconds", late?.medianSeconds, LATE_SECONDS, "seconds", "less"),
    ...check("listing, for 100,000 objects: seconds", listing?.seconds, LISTING_SECONDS, "seconds", "less"),
  ];
}

function check(
  what: string,
  measured: number | undefined,
  limit: number,
  unit: Check["unit"],
  good: Check["good"],
): Check[] {
  return measured === undefined ? [] : [{ what, measured, limit, unit, good }];
}
