import { renderTable } from "../../src/ui/table.ts";
import type { Summary } from "../gc/summary.ts";
import { timesAsFast } from "../gc/targets.ts";
import { describeShape } from "../gc/tree-shape.ts";
import type { Listing } from "./measure-listing.ts";
import type { BucketResult } from "./side-by-side.ts";

const NOT_MEASURED = "-";

/** The figures of one tree in a bucket, side by side if the Go registry was measured. */
export function renderBuckets(title: string, latencyMs: number, result: BucketResult): string {
  const { cold, warm, late, real, goDryRun, goReal } = result;
  const rows: [string, Summary | undefined, Summary | undefined][] = [
    ["dry run, cold cache", cold, goDryRun],
    ["dry run, warm cache", warm, goDryRun],
    [`dry run, cold cache, ${latencyMs} ms later`, late, undefined],
    ["real run, cold cache", real, goReal],
  ];
  const table = renderTable(
    ["-m", "registry-ctl", "min-max", "memory", "docker-registry", "min-max", "ratio"],
    rows
      .filter(([, ours]) => ours !== undefined)
      .map(([name, ours, go]) => [
        name,
        seconds(ours),
        range(ours),
        memory(ours),
        seconds(go),
        range(go),
        ratio(ours, go),
      ]),
    [1, 2, 3, 4, 5, 6],
  );
  const left = [result.left, result.goLeft].map((objects) => objects?.toLocaleString("en") ?? NOT_MEASURED);
  return [
    `${title}: ${describeShape(result.shape)}; ${result.objects.toLocaleString("en")} objects`,
    table,
    `requests of a dry run: ${describeRequests(result.requests)}; at most ${result.requestLimit.toLocaleString("en")}`,
    `objects left by the real run: ${left[0]}; by docker-registry: ${left[1]}`,
  ].join("\n");
}

/** A line about a listing. */
export function renderListing({ seconds: taken, repositories, blobs }: Listing, objects: number): string {
  const count = (value: number) => value.toLocaleString("en");
  return `${count(objects)} objects listed in ${taken.toFixed(2)} s: ${count(repositories)} repositories, ${count(blobs)} blobs`;
}

function describeRequests(requests: Readonly<Record<string, number>>): string {
  const total = Object.values(requests).reduce((sum, count) => sum + count, 0);
  const kinds = Object.entries(requests).map(([kind, count]) => `${count.toLocaleString("en")} ${kind}`);
  return `${total.toLocaleString("en")} (${kinds.join(", ")})`;
}

function ratio(ours: Summary | undefined, go: Summary | undefined): string {
  const times = timesAsFast(ours, go);
  if (times === undefined) return NOT_MEASURED;
  return `${go?.finished === false ? "> " : ""}${times.toFixed(1)}`;
}

function seconds(summary: Summary | undefined): string {
  if (summary === undefined) return NOT_MEASURED;
  const text = `${summary.medianSeconds.toFixed(2)} s`;
  return summary.finished ? text : `did not finish in ${text}`;
}

function range(summary: Summary | undefined): string {
  return summary ? `${summary.minSeconds.toFixed(2)}-${summary.maxSeconds.toFixed(2)} s` : NOT_MEASURED;
}

function memory(summary: Summary | undefined): string {
  return summary && summary.peakBytes > 0 ? `${Math.round(summary.peakBytes / 1024 ** 2)} MiB` : NOT_MEASURED;
}
