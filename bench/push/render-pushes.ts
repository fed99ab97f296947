import { renderTable } from "../../src/ui/table.ts";
import type { Check } from "../gc/targets.ts";
import type { PushWay } from "./push-blob.ts";

const MEBIBYTE = 1024 * 1024;
const ONE_GROWTH_BYTES = 150 * MEBIBYTE;
const MANY_GROWTH_BYTES = 400 * MEBIBYTE;

/** Share of the rate of `aws s3 cp` that each way is to reach. */
const SHARES: Readonly<Record<PushWay, number>> = {
  "POST with digest": 0.9,
  "PUT with digest": 0.9,
  "PATCH, then PUT": 0.5,
};

/** What pushes of one way took. */
export interface WayResult {
  way: PushWay;
  /** Of each push alone. */
  seconds: number[];
  /** By so much the server's memory grew during one push. */
  growthBytes: number;
  /** Undefined if it was not measured. */
  atOnce: { count: number; mebibytesPerSecond: number; growthBytes: number } | undefined;
}

/** The figures of single pushes beside those of `aws s3 cp`. */
export function renderPushes(
  sizeBytes: number,
  awsSeconds: readonly number[],
  ways: readonly WayResult[],
): string {
  const row = (name: string, seconds: readonly number[], share: string, growth: string) => [
    name,
    `${median(seconds).toFixed(2)} s`,
    `${Math.min(...seconds).toFixed(2)}-${Math.max(...seconds).toFixed(2)} s`,
    (sizeBytes / MEBIBYTE / median(seconds)).toFixed(0),
    share,
    growth,
  ];
  return renderTable(
    [`${sizeBytes / MEBIBYTE} MiB`, "seconds", "min-max", "MiB/s", "of aws", "memory grew by"],
    [
      row("aws s3 cp", awsSeconds, "", ""),
      ...ways.map(({ way, seconds, growthBytes }) =>
        row(way, seconds, shareOf(awsSeconds, seconds).toFixed(2), mebibytes(growthBytes)),
      ),
    ],
    [1, 2, 3, 4, 5],
  );
}

/** A line about pushes of a way at once; none if they were not measured. */
export function renderMany({ way, atOnce }: WayResult): string[] {
  if (atOnce === undefined) return [];
  const { count, mebibytesPerSecond, growthBytes } = atOnce;
  const rate = `${mebibytesPerSecond.toFixed(0)} MiB/s`;
  return [`${count} pushes at once (${way}): ${rate}, memory grew by ${mebibytes(growthBytes)}`];
}

/** Holds the figures against what pushes are to reach. */
export function checkPushes(awsSeconds: readonly number[], ways: readonly WayResult[]): Check[] {
  return ways.flatMap(({ way, seconds, growthBytes, atOnce }): Check[] => [
    {
      ...{ what: `${way}: of aws s3 cp`, measured: shareOf(awsSeconds, seconds), limit: SHARES[way] },
      ...{ unit: "times", good: "more" },
    },
    growth(`${way}: memory growth`, growthBytes, ONE_GROWTH_BYTES),
    ...(atOnce === undefined
      ? []
      : [growth(`${way}, ${atOnce.count} at once: memory growth`, atOnce.growthBytes, MANY_GROWTH_BYTES)]),
  ]);
}

function growth(what: string, measured: number, limit: number): Check {
  return { what, measured, limit, unit: "bytes", good: "less" };
}

function shareOf(awsSeconds: readonly number[], seconds: readonly number[]): number {
  return median(awsSeconds) / median(seconds);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return ((sorted[(sorted.length - 1) >> 1] ?? Number.NaN) + (sorted[sorted.length >> 1] ?? Number.NaN)) / 2;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MEBIBYTE)} MiB`;
}
