import type { RunResult } from "../../state/run-record.ts";

/** What the metrics tell of one run. */
export type MeasuredRun = Pick<RunResult, "endedAt" | "seconds" | "deleted" | "exitCode">;

/** Options of {@link renderMetrics}. */
export interface MetricsOptions {
  /** Where the store is: the metrics of several stores on a host must differ in a label. */
  store: string;
  last: MeasuredRun;
  /** The last run that succeeded, this one or an earlier one. */
  success: MeasuredRun | undefined;
  /** What the file has held: the last success is taken from there if nothing else knows it. */
  previous: string | undefined;
}

/** How the names of all these metrics begin. */
export const METRICS_PREFIX = "registry_ctl_gc";
const SUCCESS = `${METRICS_PREFIX}_last_success`;

/**
 * @returns gauges in the text format that node_exporter reads from its textfile folder
 * @see https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md
 */
export function renderMetrics({ store, last, success, previous }: MetricsOptions): string {
  const label = `store="${escapeLabel(store)}"`;
  const lines = success ? runLines(SUCCESS, "success", success, label) : previousSuccess(previous, label);
  lines.push(...runLines(`${METRICS_PREFIX}_last_run`, "run", last, label));
  lines.push(
    ...gauge(
      `${METRICS_PREFIX}_last_run_exit_code`,
      "Exit code of the last garbage collection.",
      label,
      last.exitCode ?? 1,
    ),
  );
  return `${lines.join("\n")}\n`;
}

function runLines(name: string, what: string, run: MeasuredRun, label: string): string[] {
  const { endedAt, seconds, deleted } = run;
  const of = `the last ${what === "run" ? "garbage collection" : "garbage collection that succeeded"}`;
  const lines = [
    ...gauge(
      `${name}_timestamp_seconds`,
      `When ${of} ended, in seconds since 1970.`,
      label,
      Math.round(Date.parse(endedAt) / 1000),
    ),
    ...gauge(`${name}_duration_seconds`, `How long ${of} took.`, label, seconds),
  ];
  if (!deleted) return lines;
  const { blobs, bytes, manifests, layerLinks, tagHistoryLinks } = deleted;
  lines.push(...gauge(`${name}_freed_bytes`, `Bytes of the blobs that ${of} deleted.`, label, bytes));
  const kinds = {
    blob: blobs,
    manifest: manifests,
    layer_link: layerLinks,
    tag_history_link: tagHistoryLinks,
  };
  const deletedName = `${name}_deleted`;
  lines.push(...head(deletedName, `What ${of} deleted, by kind.`));
  for (const [kind, count] of Object.entries(kinds))
    lines.push(`${deletedName}{${label},kind="${kind}"} ${count}`);
  return lines;
}

/** Only lines that we have written, of this store: the folder may be anybody's. */
function previousSuccess(previous: string | undefined, label: string): string[] {
  return (previous ?? "").split("\n").filter((line) => {
    if (/^# (HELP|TYPE) registry_ctl_gc_last_success_[a-z_]+ [\w ,.]+$/.test(line)) return true;
    const sample = /^registry_ctl_gc_last_success_[a-z_]+\{(.*)\} \d+(?:\.\d+)?$/s.exec(line);
    return sample?.[1] === label || sample?.[1]?.startsWith(`${label},kind="`) === true;
  });
}

function gauge(name: string, help: string, label: string, value: number): string[] {
  return [...head(name, help), `${name}{${label}} ${value}`];
}

function head(name: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`];
}

function escapeLabel(text: string): string {
  return text.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/"/g, '\\"');
}
