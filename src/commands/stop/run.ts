import { printableLine } from "../../lib/printable.ts";
import { type StopReport, stopRegistry } from "../../operations/service/stop-registry.ts";
import type { CommandContext } from "../context.ts";
import { byService, changeHost } from "../start/change-host.ts";
import type { HostFlags } from "../start/open-host.ts";

/** What the command line of `stop` says. */
export interface StopFlags extends HostFlags {
  /** In milliseconds. */
  timeout: number;
}

/** Runs `stop`. */
export function runStop(
  context: CommandContext,
  argument: string | undefined,
  flags: StopFlags,
): Promise<void> {
  const request = {
    summary: byService("stop the registry"),
    title: "stopping the registry",
    refusesHeld: false,
  };
  return changeHost(context, argument, flags, request, async ({ host, remember }, progress) => {
    const report = await stopRegistry(host, {
      timeoutMs: flags.timeout,
      onAsked: (pid) =>
        pid !== undefined && progress.update(`waiting for process ${pid} to end its requests`),
    });
    progress.stop();
    remember();
    context.report(report, renderStop, flags);
  });
}

/** @returns what came of `stop`, for people */
export function renderStop({ outcome, service, pid }: StopReport): string {
  if (outcome === "nothing") return "not running";
  const who = pid === undefined ? "the registry" : `process ${pid}`;
  return printableLine(`stopped: ${who} has ended${service === undefined ? "" : ` (${service})`}`);
}
