import { countOf } from "../../lib/count-of.ts";
import {
  previewReload,
  type ReloadReport,
  reloadRegistry,
} from "../../operations/service/reload-registry.ts";
import { noteApplied } from "../../process/service/note-applied.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import { type HostFlags, openHost } from "../start/open-host.ts";
import { renderReload } from "./render.ts";

/** What the command line of `reload` says. */
export interface ReloadFlags extends HostFlags {
  dryRun?: boolean;
  dryrun?: boolean;
  /** In milliseconds. */
  timeout: number;
}

/** Runs `reload`. */
export async function runReload(
  context: CommandContext,
  argument: string | undefined,
  flags: ReloadFlags,
): Promise<void> {
  const { config, host } = await openHost(context, argument, flags);
  if (isDryRun(flags)) {
    context.report(await previewReload(host), renderReload, flags);
    return;
  }
  const { source } = config;
  await context.recordChange({
    ...(source.kind === "file" ? { target: source.path } : {}),
    summary: "make the server read its configuration again",
  });
  const progress = context.progress("the server reads its configuration", flags);
  let report: ReloadReport;
  try {
    report = await reloadRegistry(host, { timeoutMs: flags.timeout });
  } finally {
    progress.stop();
  }
  await noteApplied(config, flags.stateDir, host, "reload");
  await context.recordChange({ after: `${countOf(report.changed.length, "key")} changed` });
  context.report(report, renderReload, flags);
}
