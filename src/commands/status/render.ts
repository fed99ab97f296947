import { printableLine } from "../../lib/printable.ts";
import { formatSpan } from "../../lib/spans-of-time.ts";
import { formatBytes } from "../../lib/units.ts";
import type { RunsReport } from "../../operations/runs/look-at-runs.ts";
import type { ReadOnlyReport, StatusReport } from "../../operations/service/status-report.ts";
import { renderProgress } from "../garbage-collect/render-progress.ts";
import { renderResult } from "../garbage-collect/render-status.ts";

type Row = [name: string, value: string];

/**
 * @param nowMs - milliseconds since 1970
 * @returns aligned lines; what others have written cannot pass for another line
 */
export function renderStatus(report: StatusReport, nowMs: number): string {
  const { state, config, store, service, reasons, drift, duties, nodes } = report;
  const rows: Row[] = [["state", STATES[state]]];
  for (const reason of reasons) rows.push([state === "stopped" ? "wrong" : "degraded", reason]);
  rows.push(...serverRows(report, nowMs));
  if (service) rows.push(["service", renderService(service)]);
  rows.push(["config", renderConfig(report)], ["store", store]);
  if (state !== "stopped") rows.push(["read-only", renderReadOnly(report.readOnly, nowMs)]);
  rows.push(...(report.collections ? collectionRows(report.collections) : []));
  for (const disk of report.disks) rows.push([`${disk.use} disk`, renderDisk(disk)]);
  for (const line of drift.lines) rows.push(["drift", line]);
  if (state !== "stopped" && drift.lines.length === 0 && config.file !== undefined)
    rows.push(["drift", "none is known"]);
  for (const { what, until, reason, by, isDue } of duties) {
    const time = until === undefined ? "" : ` until ${shortTime(until)}`;
    rows.push([isDue ? "left behind" : "for a time", `${what}${time} by ${by} (${reason})`]);
  }
  for (const { source, target, state: is, next } of report.migrations ?? [])
    rows.push(["move", `from ${source} to ${target}: ${is}; next: ${next}`]);
  for (const { host, pid, address, version } of nodes)
    rows.push(["node", `process ${pid} on ${host}, at ${address}, version ${version}`]);
  const width = Math.max(...rows.map(([name]) => name.length)) + 1;
  return rows.map(([name, value]) => `${`${name}:`.padEnd(width)} ${printableLine(value)}`).join("\n");
}

const STATES: Readonly<Record<StatusReport["state"], string>> = {
  running: "running",
  degraded: "running, degraded",
  stopped: "not running",
};

function serverRows({ server, others }: StatusReport, nowMs: number): Row[] {
  const rows: Row[] = [];
  if (server) {
    const { pid, startedAt, version, address, workers, uploadsInFlight, requestsInFlight, logLevel } = server;
    rows.push(
      ["server", `process ${pid}, version ${version}, since ${since(startedAt, nowMs)}`],
      ["address", address],
      ["workers", workers.map((worker) => `${worker.pid} ${worker.state}`).join(", ") || "none"],
      ["under way", `${requestsInFlight} requests, ${uploadsInFlight} uploads`],
      ["log level", logLevel],
    );
  }
  for (const { pid, program, startedAt, manager } of others) {
    const parts = [`process ${pid}`];
    if (program !== undefined) parts.push(program);
    if (startedAt !== undefined) parts.push(`since ${since(startedAt, nowMs)}`);
    if (manager !== undefined) parts.push(`run by ${manager}`);
    rows.push(["registry", parts.join(", ")]);
  }
  return rows;
}

function renderService({ description, isRunning, pid }: NonNullable<StatusReport["service"]>): string {
  const state = isRunning === null ? "state unknown" : isRunning ? "running" : "not running";
  return `${description}: ${state}${pid === undefined ? "" : `, process ${pid}`}`;
}

function renderConfig({ config: { file, changedAt }, server }: StatusReport): string {
  const parts = [file ?? "embedded default"];
  if (changedAt !== undefined) parts.push(`changed ${shortTime(changedAt)}`);
  if (server) parts.push(`read ${shortTime(server.configuredAt)}`);
  return parts.join(", ");
}

/** @returns whether writes are refused, since and until when, and why */
export function renderReadOnly(readOnly: ReadOnlyReport, nowMs: number): string {
  const { on, by, byConfiguration, since: began, until, reason } = readOnly;
  if (on === null) return "unknown: it cannot be asked without signing in; give --key";
  if (!on) return by === "probe" ? "no: a write would be taken" : "no";
  const parts = [by === "probe" ? "yes: a write was refused" : "yes"];
  if (byConfiguration) parts.push("by the configuration");
  if (began !== undefined) parts.push(`since ${since(began, nowMs)}`);
  if (until !== undefined) parts.push(`until ${shortTime(until)}`);
  return `${parts.join(", ")}${reason === undefined ? "" : ` (${reason})`}`;
}

function collectionRows({ run, last, lastSuccess, lock, state }: RunsReport): Row[] {
  const rows: Row[] = [];
  if (run)
    rows.push([
      "collecting",
      `${renderProgress(run.progress, run.safeToStop)}; process ${run.pid} on ${run.host}`,
    ]);
  else if (state === "running" && lock) rows.push(["collecting", `process ${lock.pid} on ${lock.host}`]);
  rows.push(["last gc", last ? renderResult(last) : "none is known"]);
  if (lastSuccess && lastSuccess.id !== last?.id) rows.push(["last good gc", renderResult(lastSuccess)]);
  return rows;
}

function renderDisk({
  path,
  freeBytes,
  totalBytes,
  freeInodes,
  totalInodes,
}: StatusReport["disks"][number]): string {
  const inodes = totalInodes === 0 ? "" : `, ${freeInodes} of ${totalInodes} inodes`;
  return `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} free${inodes} (${path})`;
}

function since(time: string, nowMs: number): string {
  return `${shortTime(time)} (${formatSpan((nowMs - Date.parse(time)) / 1000)})`;
}

function shortTime(time: string): string {
  return `${time.slice(0, 19)}Z`;
}
