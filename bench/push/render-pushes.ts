import { renderTable } from "../../src/ui/table.ts";
import type { Check } from "../gc/targets.ts";
import type { ManyPushes } from "./many-pushes.ts";
import type { OnePush } from "./one-push.ts";
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

/** What the runs of one way took. */
export interface PushRuns {
  way: PushWay;
  runs: readonly OnePush[];
}

/** The figures of single pushes beside those of `aws s3 cp`. */
export function renderPushes(
  sizeBytes: number,
  aws: readonly OnePush[],
  pushes: readonly PushRuns[],
): string {
  const rows = [
    ["aws s3 cp", aws, undefined] as const,
    ...pushes.map(({ way, runs }) => [way, runs, aws] as const),
  ];
  return renderTable(
    [`${sizeBytes / MEBIBYTE} MiB`, "seconds", "min-max", "MiB/s", "of aws", "memory grew by"],
    rows.map(([name, runs, beside]) => [
      name,
      `${median(runs).toFixed(2)} s`,
      `${Math.min(...seconds(runs)).toFixed(2)}-${Math.max(...seconds(runs)).toFixed(2)} s`,
      (sizeBytes / MEBIBYTE / median(runs)).toFixed(0),
      beside === undefined ? "" : (median(beside) / median(runs)).toFixed(2),
      beside === undefined ? "" : mebibytes(worst(runs)),
    ]),
    [1, 2, 3, 4, 5],
  );
}

/** A line about pushes at once. */
export function renderMany({
  way,
  count,
  seconds: taken,
  mebibytesPerSecond,
  growthBytes,
}: ManyPushes): string {
  return `${count} pushes at once (${way}): ${taken.toFixed(1)} s, ${mebibytesPerSecond.toFixed(0)} MiB/s, memory grew by ${mebibytes(growthBytes)}`;
}

/** Holds the figures against what pushes are to reach. */
export function checkPushes(
  aws: readonly OnePush[],
  pushes: readonly PushRuns[],
  many: readonly ManyPushes[],
): Check[] {
  const single = pushes.flatMap(({ way, runs }): Check[] => [
    {
      what: `${way}: of aws s3 cp`,
      measured: median(aws) / median(runs),
      limit: SHARES[way],
      unit: "times",
      good: "more",
    },
    {
      what: `${way}: memory growth`,
      measured: worst(runs),
      limit: ONE_GROWTH_BYTES,
      unit: "bytes",
      good: "less",
    },
  ]);
  const atOnce = many.map(({ way, count, growthBytes }): Check => {
    const what = `${count} at once, ${way}: memory growth`;
    return { what, measured: growthBytes, limit: MANY_GROWTH_BYTES, unit: "bytes", good: "less" };
  });
  return [...single, ...atOnce];
}

function median(runs: readonly OnePush[]): number {
  const sorted = seconds(runs).sort((one, other) => one - other);
  return ((sorted[(sorted.length - 1) >> 1] ?? Number.NaN) + (sorted[sorted.length >> 1] ?? Number.NaN)) / 2;
}

function seconds(runs: readonly OnePush[]): number[] {
  return runs.map((run) => run.seconds);
}

function worst(runs: readonly OnePush[]): number {
  return Math.max(...runs.map((run) => run.growthBytes));
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MEBIBYTE)} MiB`;
}
