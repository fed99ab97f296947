import { availableParallelism, cpus, release, totalmem } from "node:os";
import { formatBytes } from "../../src/lib/units.ts";
import { renderTable } from "../../src/ui/table.ts";
import type { ScalingResult } from "./scaling.ts";
import type { SideBySideResult } from "./side-by-side.ts";
import type { Summary } from "./summary.ts";
import { type Check, isMet, timesAsFast } from "./targets.ts";
import { describeShape } from "./tree-shape.ts";

const NOT_MEASURED = "-";

/** Two lines about the machine and the programs. */
export function renderMachine(ourVersion: string, goVersion: string | undefined): string {
  const model = cpus()[0]?.model.trim() ?? "unknown model";
  return [
    `${availableParallelism()} cores (${model}), ${formatBytes(totalmem())} of memory, ${process.platform} ${release()}`,
    `Node ${process.versions.node}; registry-ctl ${ourVersion}; ${goVersion ?? "docker-registry is not installed: these are our figures alone"}`,
  ].join("\n");
}

/** The figures of one tree, side by side if the Go registry was measured. */
export function renderSideBySide(title: string, result: SideBySideResult): string {
  const { cold, warm, real, goDryRun, goReal } = result;
  const rows: [string, Summary | undefined, Summary | undefined][] = [
    ["dry run, cold cache", cold, goDryRun],
    ["dry run, warm cache", warm, goDryRun],
    ["real run, cold cache", real, goReal],
  ];
  const measured = rows.filter(([, ours]) => ours !== undefined);
  const isAlone = goDryRun === undefined;
  const head = ["-m", "registry-ctl", "min-max", "memory"];
  const goHead = ["docker-registry", "min-max", "memory", "ratio"];
  const table = renderTable(
    isAlone ? head : [...head, ...goHead],
    measured.map(([name, ours, go]) => [name, ...cells(ours), ...(isAlone ? [] : goCells(ours, go))]),
    [1, 2, 3, 4, 5, 6, 7],
  );
  const left = result.left?.toLocaleString("en") ?? NOT_MEASURED;
  const goLeft = result.goLeft === undefined ? "" : `; by docker-registry: ${count(result.goLeft)}`;
  return [
    `${title}: ${describeShape(result.shape)}; ${count(result.files)} files`,
    table,
    `files left by the real run: ${left}${goLeft}`,
  ].join("\n");
}

/** The figures of runs of one command, without and with a manifest cache. */
export function renderRuns(title: string, cold: Summary | undefined, warm: Summary | undefined): string {
  const table = renderTable(
    ["", "registry-ctl", "min-max", "memory"],
    [
      ["cold cache", ...cells(cold)],
      ["warm cache", ...cells(warm)],
    ],
    [1, 2, 3],
  );
  return `${title}
${table}`;
}

/** The figures of a row of growing trees. */
export function renderScaling(results: readonly ScalingResult[]): string {
  const perThousand = (summary: Summary | undefined, manifests: number) =>
    summary ? `${((summary.medianSeconds * 1e6) / manifests).toFixed(1)} ms` : NOT_MEASURED;
  return renderTable(
    [
      "manifests",
      "files",
      "dry, cold",
      "per 1,000",
      "memory",
      "dry, warm",
      "per 1,000",
      "memory",
      "real",
      "per 1,000",
      "memory",
    ],
    results.map(({ manifests, files, ...kinds }) => [
      count(manifests),
      count(files),
      ...[kinds.cold, kinds.warm, kinds.real].flatMap((summary) => [
        seconds(summary),
        perThousand(summary, manifests),
        memory(summary),
      ]),
    ]),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
}

/** Which targets were reached. */
export function renderChecks(checks: readonly Check[]): string {
  return renderTable(
    ["target", "limit", "measured", "reached"],
    checks.map((check) => [
      check.what,
      `${check.good === "more" ? ">=" : "<="} ${amount(check.limit, check.unit)}`,
      amount(check.measured, check.unit),
      isMet(check) ? "yes" : "NO",
    ]),
    [1, 2],
  );
}

function cells(summary: Summary | undefined): string[] {
  return [seconds(summary), range(summary), memory(summary)];
}

function goCells(ours: Summary | undefined, go: Summary | undefined): string[] {
  if (go?.finished === false)
    return [`did not finish in ${go.medianSeconds.toFixed(0)} s`, "", memory(go), `> ${ratio(ours, go)}`];
  return [...cells(go), ratio(ours, go)];
}

function ratio(ours: Summary | undefined, go: Summary | undefined): string {
  return timesAsFast(ours, go)?.toFixed(1) ?? NOT_MEASURED;
}

function seconds(summary: Summary | undefined): string {
  return summary ? `${summary.medianSeconds.toFixed(2)} s` : NOT_MEASURED;
}

function range(summary: Summary | undefined): string {
  return summary ? `${summary.minSeconds.toFixed(2)}-${summary.maxSeconds.toFixed(2)} s` : NOT_MEASURED;
}

function memory(summary: Summary | undefined): string {
  return summary && summary.peakBytes > 0 ? mebibytes(summary.peakBytes) : NOT_MEASURED;
}

function amount(value: number, unit: Check["unit"]): string {
  if (unit === "bytes") return mebibytes(value);
  if (unit === "requests") return count(value);
  return unit === "seconds" ? `${value.toFixed(2)} s` : value.toFixed(2);
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}

function count(value: number): string {
  return value.toLocaleString("en");
}
