import { printableLine } from "../../lib/printable.ts";
import { formatSpan } from "../../lib/spans-of-time.ts";
import type { LockHolding, RunsReport } from "../../operations/runs/look-at-runs.ts";
import type { RunResult, RunStatus } from "../../state/run-record.ts";
import { renderAmounts } from "./render.ts";
import { renderProgress } from "./render-progress.ts";

/** A run that tells nothing for so long may be waiting for a store that does not answer. */
const SILENT_SECONDS = 30;

/**
 * @param nowMs - milliseconds since 1970
 * @param configPath - the configuration file; undefined: the embedded one
 * @returns aligned lines; others may have written what they tell, so no value can pass for another line
 */
export function renderStatus(report: RunsReport, nowMs: number, configPath?: string): string {
  const { state, run, server, lock, last, lastSuccess, reasons } = report;
  const rows: [string, string][] = [["state", renderState(report)]];
  if (run) rows.push(...runRows(run, nowMs));
  if (server) {
    rows.push(["run", `of the server, since ${server.startedAt.slice(0, 19)}Z`]);
    rows.push(["progress", server.progress ?? server.phase]);
  }
  if (lock && !run) rows.push(["lock", renderLock(lock)]);
  if (last) rows.push(["last run", renderResult(last)]);
  if (lastSuccess && lastSuccess.id !== last?.id) rows.push(["last success", renderResult(lastSuccess)]);
  if (!last && report.problems.length === 0) rows.push(["last run", "none is known"]);
  for (const reason of reasons) rows.push(["degraded", reason]);
  if (state === "running")
    rows.push([
      "to stop it",
      ["registry-ctl garbage-collect stop", ...(configPath ? [configPath] : [])].join(" "),
    ]);
  const width = Math.max(...rows.map(([name]) => name.length)) + 1;
  return rows.map(([name, value]) => `${`${name}:`.padEnd(width)} ${printableLine(value)}`).join("\n");
}

/** @returns how a run ended and what it did, in one line */
export function renderResult({ startedAt, outcome, seconds, deleted, message, exitCode }: RunResult): string {
  const code = exitCode ? `, exit code ${exitCode}` : "";
  const parts = [`${startedAt.slice(0, 19)}Z ${outcome}${code} after ${formatSpan(seconds)}`];
  if (message !== undefined) parts.push(message);
  if (deleted) parts.push(`deleted ${renderAmounts(deleted)}`);
  return parts.join("; ");
}

function renderState({ state, run, server, lock, degraded }: RunsReport): string {
  if (state === "unknown") return "unknown: the store's lock cannot be read";
  if (state === "idle") return degraded ? "not running, degraded" : "not running";
  if (run || server) return "running";
  return lock ? "running, but how far it is cannot be seen from here" : "running";
}

function runRows(run: RunStatus, nowMs: number): [string, string][] {
  const { host, pid, startedAt, seconds, progress, safeToStop, updatedAt, config } = run;
  const rows: [string, string][] = [
    [
      "run",
      `process ${pid} on ${host}, since ${startedAt.slice(0, 19)}Z (${formatSpan(seconds)} at the last change)`,
    ],
  ];
  if (config !== undefined) rows.push(["config", config]);
  rows.push(["progress", renderProgress(progress, safeToStop)]);
  const silentSeconds = (nowMs - Date.parse(updatedAt)) / 1000;
  if (silentSeconds >= SILENT_SECONDS)
    rows.push(["silent for", `${formatSpan(silentSeconds)}: nothing has moved since`]);
  return rows;
}

function renderLock({ pid, host, startedAt, leaseUntil, isHeld }: LockHolding): string {
  const who = `process ${pid} on ${host}, since ${startedAt.slice(0, 19)}Z`;
  return isHeld
    ? `held by ${who}, at the least until ${leaseUntil.slice(0, 19)}Z`
    : `left behind by ${who}; the next run breaks it`;
}
