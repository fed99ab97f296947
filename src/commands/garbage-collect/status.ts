import { resolve } from "node:path";
import { printable } from "../../lib/printable.ts";
import { lookAtRuns, type RunsReport } from "../../operations/runs/look-at-runs.ts";
import { stateFoldersOf } from "../../process/find-state.ts";
import { currentMachine } from "../../process/run-process.ts";
import { readRunHistory } from "../../state/run-history.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { renderStatus } from "./render-status.ts";

/** What the command line of `status` says. */
export interface StatusFlags extends GlobalFlags {
  stateDir?: string;
}

const DEGRADED = 1;
const NOT_RUNNING = 3;
const STORE_UNREADABLE = 11;

/** Runs `garbage-collect status`. */
export async function runStatus(
  context: CommandContext,
  argument: string | undefined,
  flags: StatusFlags,
): Promise<void> {
  const config = await context.loadConfig({ argument, flags });
  const folders = stateFoldersOf(config.settings.storage, flags.stateDir);
  const driver = await context.openStorage(config, { ...flags, readOnlyStore: true });
  const report = await lookAtRuns({
    driver,
    machine: currentMachine(),
    readHistory: () => readRunHistory(folders),
    nowMs: Date.now,
  });
  if (!flags.json)
    for (const problem of report.problems) context.stderr.write(`warning: ${printable(problem)}\n`);
  const { source } = config;
  const configPath = source.kind === "file" ? resolve(source.path) : undefined;
  context.report(report, (status) => renderStatus(status, Date.now(), configPath), flags);
  context.setExitCode(exitCodeOf(report));
}

function exitCodeOf({ state, degraded }: RunsReport): number {
  if (state === "running") return 0;
  if (degraded) return DEGRADED;
  return state === "idle" ? NOT_RUNNING : STORE_UNREADABLE;
}
