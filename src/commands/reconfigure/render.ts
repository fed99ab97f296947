import { printable, printableLine } from "../../lib/printable.ts";
import type { DerivedFile, DerivedKind } from "../../operations/reconfigure/derived-files.ts";
import type { ReconfigureReport } from "../../operations/reconfigure/reconfigure-report.ts";
import type { Colours } from "../../ui/colour.ts";
import { renderChanges } from "../cron/render-changes.ts";
import { renderChangedKeys } from "../reload/render.ts";

/** @returns what is to change, before anybody is asked; empty if nothing is */
export function renderPlan(
  report: ReconfigureReport,
  files: readonly DerivedFile[],
  colours: Colours,
): string {
  const parts: string[] = [];
  if (report.changed.length > 0) parts.push(renderChangedKeys(report.changed));
  if (report.keys) parts.push(`a new pair of keys: ${report.keys.certificateFile}, ${report.keys.keyFile}`);
  const diffs = renderChanges(files, colours);
  if (diffs !== "") parts.push(diffs);
  return parts.map(printable).join("\n\n");
}

/** @returns what came of it, for people */
export function renderReconfigure(report: ReconfigureReport, plan: string): string {
  const { dryRun, pid, outcome, replaced, pending, files, keys, backups } = report;
  if (dryRun) {
    const nothing =
      outcome === "unchanged" ? `nothing to change${whoOf(report)}` : "nothing was changed (dry run)";
    const { refused } = report;
    const told =
      refused === undefined ? nothing : printable(`would be refused as it is now: ${refused}\n${nothing}`);
    return plan === "" ? told : `${plan}\n\n${told}`;
  }
  const lines: string[] = [];
  if (keys)
    lines.push(
      `made: ${keys.certificateFile}`,
      `made: ${keys.keyFile} (GitLab needs it: see registry-ctl keys)`,
    );
  for (const { path, change } of files) if (change !== "unchanged") lines.push(`written: ${path}`);
  for (const path of backups) lines.push(`what was there before: ${path}`);
  const process = pid === undefined ? "the registry" : `process ${pid}`;
  if (outcome === "unchanged") lines.push(`nothing to change${whoOf(report)}`);
  if (outcome === "applied") {
    lines.push(
      `applied: ${process} is well with it${replaced ? ", with new workers; no request was dropped" : ""}`,
    );
  }
  if (outcome === "restarted") lines.push(`restarted: ${process} serves with it`);
  if (outcome === "pending") lines.push(`nothing that ${process} could take while it runs`);
  if (outcome === "not-running") lines.push("no registry runs: it will take it when it is started");
  if (pending.length > 0) lines.push(`only when the server is stopped and started: ${pending.join(", ")}`);
  const next = files.flatMap(({ kind, change }) => (change === "unchanged" ? [] : NEXT[kind]));
  if (next.length > 0) lines.push("now run:", ...next.map((line) => `  ${line}`));
  return lines.map(printableLine).join("\n");
}

function whoOf({ pid }: ReconfigureReport): string {
  return pid === undefined ? "" : `: process ${pid} uses what the configuration says`;
}

/** What those who own the files have to be told. */
const NEXT: Readonly<Record<DerivedKind, readonly string[]>> = {
  nginx: ["nginx -t && nginx -s reload"],
  systemd: ["systemctl daemon-reload", "systemctl enable --now registry-ctl.service"],
  cron: [],
  logrotate: [],
};
