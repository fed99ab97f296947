import { setTimeout as sleep } from "node:timers/promises";
import { printableLine } from "../../lib/printable.ts";
import { type StopReport, stopRun } from "../../operations/runs/stop-run.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { currentMachine } from "../../process/machine/run-process.ts";
import { stateFoldersOf } from "../../process/state/find-state.ts";
import { readRunHistory } from "../../state/run-history.ts";
import type { CommandContext } from "../context.ts";
import { renderResult } from "./render-status.ts";
import { type StatusFlags, serverOf } from "./status.ts";

/** What the command line of `stop` says. */
export interface StopFlags extends StatusFlags {
  /** In milliseconds. */
  timeout: number;
}

/** Runs `garbage-collect stop`. */
export async function runStop(
  context: CommandContext,
  argument: string | undefined,
  flags: StopFlags,
): Promise<void> {
  const config = await context.loadConfig({ argument, flags });
  const user = await registryUserOf(config);
  const folders = stateFoldersOf(config.settings.storage, flags.stateDir, user);
  const server = await serverOf(config, flags);
  const driver = await context.openStorage(config, flags);
  const report = await stopRun(
    {
      driver,
      machine: currentMachine(),
      readHistory: () => readRunHistory(folders),
      askServer: server && (() => server.stopCollection()),
      nowMs: Date.now,
      sleep: async (ms) => void (await sleep(ms)),
    },
    {
      timeoutMs: flags.timeout,
      signal: context.signal,
      onAsked: ({ pid, host, startedAt }) =>
        context.notice(`asked process ${pid} on ${host} to stop, which has run since ${startedAt}`, flags),
    },
  );
  context.report(report, renderStop, flags);
}

/** @returns what came of the request */
export function renderStop({ outcome, run, result }: StopReport): string {
  if (outcome === "nothing" || !run) return "nothing to stop: no collection is working on this store";
  const lines = [`stopped: process ${run.pid} on ${run.host} has ended`];
  if (result) lines.push(`its run: ${renderResult(result)}`);
  return lines.map(printableLine).join("\n");
}
