import { resolve } from "node:path";
import type { LoadedConfig } from "../../config/settings.ts";
import type { Control } from "../../control/protocol.ts";
import { printable } from "../../lib/printable.ts";
import { lookAtRuns, type RunsReport } from "../../operations/runs/look-at-runs.ts";
import { findServer } from "../../process/control/find-server.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { currentMachine } from "../../process/machine/run-process.ts";
import { stateFoldersOf } from "../../process/state/find-state.ts";
import { readRunHistory } from "../../state/run-history.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { renderStatus } from "./render-status.ts";

/** What the command line of `status` says. */
export interface StatusFlags extends GlobalFlags {
  stateDir?: string;
  controlSocket?: string;
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
  const user = await registryUserOf(config);
  const folders = stateFoldersOf(config.settings.storage, flags.stateDir, user);
  const server = await serverOf(config, flags);
  const driver = await context.openStorage(config, { ...flags, readOnlyStore: true });
  const report = await lookAtRuns({
    driver,
    machine: currentMachine(),
    readHistory: () => readRunHistory(folders),
    askServer: server && (async () => (await server.status()).collection),
    nowMs: Date.now,
  });
  if (!flags.json)
    for (const problem of report.problems) context.stderr.write(`warning: ${printable(problem)}\n`);
  const { source } = config;
  const configPath = source.kind === "file" ? resolve(source.path) : undefined;
  context.report(report, (status) => renderStatus(status, Date.now(), configPath), flags);
  context.setExitCode(exitCodeOf(report));
}

/** Our running server, if this user may ask it. To be called before root becomes another user. */
export async function serverOf(config: LoadedConfig, flags: StatusFlags): Promise<Control | undefined> {
  try {
    return await findServer(config, flags);
  } catch {
    return undefined;
  }
}

function exitCodeOf({ state, degraded }: RunsReport): number {
  if (state === "running") return 0;
  if (degraded) return DEGRADED;
  return state === "idle" ? NOT_RUNNING : STORE_UNREADABLE;
}
