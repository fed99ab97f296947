import type { ScalingResult } from "./scaling.ts";
import type { SideBySideResult } from "./side-by-side.ts";
import type { Summary } from "./summary.ts";

/** What a tree's figures are held against; what is left out is not. */
export interface Targets {
  /** How many times as fast as the Go registry: its median by ours. */
  coldRatio?: number;
  warmRatio?: number;
  realRatio?: number;
  /** Longest dry run without a manifest cache; median. */
  coldSeconds?: number;
  /** Most memory of any run. */
  peakBytes?: number;
}

/** What tree M is to reach. */
export const TARGETS_M: Targets = {
  coldRatio: 10,
  warmRatio: 12,
  realRatio: 4,
  peakBytes: 250 * 1024 ** 2,
};

/** What tree K is to reach. */
export const TARGETS_K: Targets = { coldSeconds: 2 };

/** Time per manifest may grow by so much from the smallest tree of a row to the largest. */
const MAX_GROWTH = 1.25;

/** One target and what was measured. */
export interface Check {
  what: string;
  measured: number;
  limit: number;
  unit: "times" | "seconds" | "bytes" | "requests";
  /** Whether more than the limit is good, or less. */
  good: "more" | "less";
}

/** Whether a target was reached. */
export function isMet({ measured, limit, good }: Check): boolean {
  return good === "more" ? measured >= limit : measured <= limit;
}

/** Holds a tree's figures against its targets. Those are left out that something was not measured for. */
export function checkSideBySide(result: SideBySideResult, targets: Targets): Check[] {
  const { cold, warm, real, goDryRun, goReal } = result;
  const peaks = [cold, warm, real].flatMap((summary) => summary?.peakBytes ?? []);
  return [
    ...atLeast("dry run, cold cache: times as fast", timesAsFast(cold, goDryRun), targets.coldRatio),
    ...atLeast("dry run, warm cache: times as fast", timesAsFast(warm, goDryRun), targets.warmRatio),
    ...atLeast("real run: times as fast", timesAsFast(real, goReal), targets.realRatio),
    ...atMost("dry run, cold cache: seconds", cold?.medianSeconds, targets.coldSeconds, "seconds"),
    ...atMost("peak memory", Math.max(...peaks), targets.peakBytes, "bytes"),
  ];
}

/** Holds the time per manifest on the largest tree of a row against that on the smallest. */
export function checkScaling(results: readonly ScalingResult[]): Check[] {
  const [first] = results;
  const last = results.at(-1);
  if (first === undefined || last === undefined || first === last) return [];
  const growth = (kind: "cold" | "warm" | "real") => {
    const [small, large] = [first[kind], last[kind]];
    if (small === undefined || large === undefined) return undefined;
    return large.medianSeconds / last.manifests / (small.medianSeconds / first.manifests);
  };
  return [
    ...atMost("dry run, cold cache: growth per manifest", growth("cold"), MAX_GROWTH, "times"),
    ...atMost("dry run, warm cache: growth per manifest", growth("warm"), MAX_GROWTH, "times"),
    ...atMost("real run: growth per manifest", growth("real"), MAX_GROWTH, "times"),
  ];
}

/**
 * How many times as fast ours is, by the medians; where the Go registry did not finish, more than this. Undefined if
 * one was not measured.
 */
export function timesAsFast(ours: Summary | undefined, go: Summary | undefined): number | undefined {
  return ours && go ? go.medianSeconds / ours.medianSeconds : undefined;
}

function atLeast(what: string, measured: number | undefined, limit: number | undefined): Check[] {
  if (measured === undefined || limit === undefined) return [];
  return [{ what, measured, limit, unit: "times", good: "more" }];
}

function atMost(
  what: string,
  measured: number | undefined,
  limit: number | undefined,
  unit: Check["unit"],
): Check[] {
  if (measured === undefined || limit === undefined) return [];
  return [{ what, measured, limit, unit, good: "less" }];
}
