import { printableLine } from "../../lib/printable.ts";
import { type RestartReport, restartRegistry } from "../../operations/service/restart-registry.ts";
import { buildMark } from "../../process/build-mark.ts";
import { launchInBackground } from "../../process/service/background-server.ts";
import { noteApplied } from "../../process/service/note-applied.ts";
import type { CommandContext } from "../context.ts";
import { changeHost } from "../start/change-host.ts";
import type { StartFlags } from "../start/run.ts";

/** Runs `restart`. */
export function runRestart(
  context: CommandContext,
  argument: string | undefined,
  flags: StartFlags,
): Promise<void> {
  const request = {
    summary: () => "restart the registry",
    title: "restarting the registry",
    refusesHeld: true,
  };
  return changeHost(context, argument, flags, request, async ({ config, host, remember }, progress) => {
    const launch = () => launchInBackground(config, flags, context.cwd);
    const report = await restartRegistry(host, {
      ...{ timeoutMs: flags.timeout, launch, build: buildMark() },
      onStopping: (pid) =>
        progress.update(`process ${pid} is of another release: waiting for it to end its requests`),
    });
    progress.stop();
    remember();
    // Replaced workers have the settings of before.
    if (report.outcome !== "replaced") await noteApplied(config, flags.stateDir, host, "restart");
    context.report(report, renderRestart, flags);
  });
}

/** @returns what came of `restart`, for people */
export function renderRestart({
  outcome,
  by,
  service,
  pid,
  workers = [],
  log,
  previousVersion,
}: RestartReport): string {
  const who = pid === undefined ? "" : `process ${pid} `;
  if (outcome === "replaced") {
    const [count, plural] = [workers.length, workers.length === 1 ? "worker" : "workers"];
    return printableLine(
      `restarted: ${who}has ${count} new ${plural} (${workers.join(", ")}); no request was dropped`,
    );
  }
  const lines = [`${outcome}: ${who}${by === "service" ? `by ${service}` : "in the background"}`];
  if (previousVersion !== undefined)
    lines.push(
      `version: another release than that of before (${previousVersion}), so it was stopped and started`,
    );
  if (log !== undefined) lines.push(`log:     ${log}`);
  return lines.map(printableLine).join("\n");
}
