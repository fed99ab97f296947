import { startRegistry } from "../../operations/service/start-registry.ts";
import { launchInBackground } from "../../process/service/background-server.ts";
import { noteApplied } from "../../process/service/note-applied.ts";
import type { CommandContext } from "../context.ts";
import { byService, changeHost } from "./change-host.ts";
import type { HostFlags } from "./open-host.ts";
import { renderStart } from "./render.ts";

/** What the command line of `start` and `restart` says. */
export interface StartFlags extends HostFlags {
  workers?: number;
  /** In milliseconds. */
  timeout: number;
}

/** Runs `start`. */
export function runStart(
  context: CommandContext,
  argument: string | undefined,
  flags: StartFlags,
): Promise<void> {
  const request = {
    summary: byService("start the registry"),
    title: "starting the registry",
    refusesHeld: true,
  };
  return changeHost(context, argument, flags, request, async ({ config, host, remember }, progress) => {
    const launch = () => launchInBackground(config, flags, context.cwd);
    const report = await startRegistry(host, { timeoutMs: flags.timeout, launch });
    progress.stop();
    remember();
    if (report.outcome === "started") {
      const problem = await noteApplied(config, flags.stateDir, host, "start");
      if (problem !== undefined) context.notice(problem, flags);
    }
    context.report(report, renderStart, flags);
  });
}
