import { resolve } from "node:path";
import { UsageError } from "../../errors.ts";
import type { CronSchedule } from "../../lib/cron-schedule.ts";
import { printableLine } from "../../lib/printable.ts";
import { parseTimeOfDay } from "../../lib/time-of-day.ts";
import { concernsTimer, planInstall } from "../../operations/cron/plan-cron.ts";
import { refuseOutside } from "../../operations/derived/inside-root.ts";
import { writePlannedFiles } from "../../process/files/write-planned-files.ts";
import { ownProgram } from "../../process/own-program.ts";
import { applyTimer, disableTimer, type TimerState } from "../../process/service/collection-timer.ts";
import { coloursFor } from "../../ui/colour.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import { parseAge, parsePercent } from "../garbage-collect/parse-flags.ts";
import { inRoot, lastingSources } from "./in-root.ts";
import { type PlaceFlags, rootFolder } from "./places.ts";
import { renderChanges } from "./render-changes.ts";

/** What the command line of `cron install` says. */
export interface InstallFlags extends PlaceFlags {
  schedule: CronSchedule;
  deleteUntagged?: boolean;
  systemdTimer?: boolean;
  mode?: string;
  untaggedFor?: string;
  maxDelete?: string;
  until?: string;
  textfile?: string;
  key?: string;
  stateDir?: string;
  yes?: boolean;
  dryRun?: boolean;
  dryrun?: boolean;
  color?: boolean;
}

/** What came of an installation; with `--json` it is the document. */
export interface InstallReport {
  schemaVersion: 1;
  command: "cron install";
  dryRun: boolean;
  /** Files that were changed, or would be. */
  changed: { path: string; change: "written" | "removed" }[];
  /** Lines of others that were switched off, or would be. */
  switchedOff: { file: string; line: number; text: string }[];
  backups: string[];
  timer?: TimerState;
}

const MODES = ["offline", "read-only", "online"];

/** Installs the scheduled collection. */
export async function runInstall(
  context: CommandContext,
  argument: string | undefined,
  flags: InstallFlags,
): Promise<void> {
  const dryRun = isDryRun(flags);
  const { cwd } = context;
  const root = rootFolder(flags, cwd);
  const options = collectionOptions(flags, { cwd, root });
  const loaded = await context.loadConfig({ argument, flags, destructive: !dryRun });
  if (loaded.source.kind === "embedded") {
    throw new UsageError("a run by the clock needs a configuration file", {
      hint: "name it: cron install FILE",
    });
  }
  const { changes, others } = planInstall({
    root,
    schedule: flags.schedule,
    timer: flags.systemdTimer ?? false,
    program: ownProgram(),
    config: inRoot(loaded.source.path, root),
    deleteUntagged: flags.deleteUntagged ?? false,
    options,
  });
  refuseOutside(root, changes);
  const report: InstallReport = {
    schemaVersion: 1,
    command: "cron install",
    dryRun,
    changed: changes.map(({ path, after }) => ({
      path,
      change: after === undefined ? "removed" : "written",
    })),
    switchedOff: others.map(({ file, line, text }) => ({ file, line, text })),
    backups: [],
  };
  const stream = dryRun ? context.stdout : context.stderr;
  const colours = coloursFor(stream, { env: context.env, noColor: flags.color === false });
  const diff = renderChanges(changes, colours);
  if (changes.length > 0 && !dryRun) {
    if (!flags.quiet || !flags.yes) context.stderr.write(`${diff}\n`);
    await context.confirm(
      `Write ${changes.length === 1 ? "this file" : `these ${changes.length} files`}?`,
      flags,
    );
    await context.recordChange({
      target: changes.map(({ path }) => path).join(", "),
      summary: `collect garbage by the clock: ${flags.schedule.text}`,
    });
    const concerned = concernsTimer(changes);
    if (concerned === "removed") await disableTimer(root);
    report.backups = await writePlannedFiles(changes);
    const timer = await applyTimer(concerned, root);
    if (timer !== undefined) report.timer = timer;
  }
  context.report(report, (result) => renderInstalled(result, diff), flags);
}

/** @returns what was done, or with a dry run the diff */
export function renderInstalled(
  { dryRun, changed, switchedOff, backups, timer }: InstallReport,
  diff: string,
): string {
  if (changed.length === 0) return "nothing to change: it is installed";
  if (dryRun) return `${diff}\nnothing was changed (dry run)`;
  const lines = changed.map(({ path, change }) => `${change}: ${path}`);
  for (const { file, line, text } of switchedOff)
    lines.push(`switched off: ${printableLine(`${file}:${line}: ${text}`)}`);
  for (const path of backups) lines.push(`what was there before: ${path}`);
  return [...lines, ...timerLines(timer)].join("\n");
}

/** @returns what systemd was told, or has to be told */
export function timerLines(timer: TimerState | undefined): string[] {
  if (timer === undefined) return [];
  return timer.done
    ? [`done: ${timer.commands.join("; ")}`]
    : ["now run:", ...timer.commands.map((line) => `  ${line}`)];
}

/** The options of `garbage-collect` that are given on, checked here rather than at four in the morning. */
function collectionOptions(flags: InstallFlags, { cwd, root }: { cwd: string; root: string }): string[] {
  const { mode, untaggedFor, maxDelete, until, textfile, key, stateDir, envFrom = [] } = flags;
  if (mode !== undefined && !MODES.includes(mode)) {
    throw new UsageError(`--mode is ${mode}, not one of ${MODES.join(", ")}`);
  }
  if (untaggedFor !== undefined && !flags.deleteUntagged) {
    throw new UsageError("--untagged-for means nothing without -m", { hint: "give -m too" });
  }
  if (untaggedFor !== undefined) parseAge(untaggedFor);
  if (maxDelete !== undefined) parsePercent(maxDelete);
  if (until !== undefined && parseTimeOfDay(until) === undefined) {
    throw new UsageError(`--until is ${until}, which is no time of the day`, {
      hint: "such as --until 07:00",
    });
  }
  const given: [string, string | undefined][] = [
    ["--mode", mode],
    ["--untagged-for", untaggedFor],
    ["--max-delete", maxDelete],
    ["--until", until],
    ["--textfile", absolute(textfile, { cwd, root })],
    ["--key", absolute(key, { cwd, root })],
    ["--state-dir", absolute(stateDir, { cwd, root })],
  ];
  for (const source of lastingSources(envFrom, { cwd, root })) given.push(["--env-from", source]);
  return given.flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
}

function absolute(
  path: string | undefined,
  { cwd, root }: { cwd: string; root: string },
): string | undefined {
  return path === undefined ? undefined : inRoot(resolve(cwd, path), root);
}
