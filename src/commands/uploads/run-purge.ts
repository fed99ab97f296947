import { storeName } from "../../config/store-name.ts";
import { printable } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/units.ts";
import type { PurgeReport } from "../../operations/uploads/purge-report.ts";
import { runPurge } from "../../operations/uploads/run-purge.ts";
import { findRegistries } from "../../process/machine/find-registries.ts";
import { currentMachine } from "../../process/machine/run-process.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext, StorageFlags } from "../context.ts";
import { otherStores, probeAll } from "../garbage-collect/ask-registries.ts";
import { readProbeKey } from "../garbage-collect/probe-authorization.ts";
import { renderPurge, renderPurgeProgress } from "./render.ts";

/** What the command line of `uploads purge` says. */
export interface PurgeFlags extends StorageFlags {
  dryRun?: boolean;
  dryrun?: boolean;
  /** In milliseconds. */
  olderThan?: number;
  concurrency?: number;
  key?: string;
  force?: boolean;
  skipIfLocked?: boolean;
}

const FAILED_IN_PART = 3;

/** Runs `uploads purge`. */
export async function runPurgeCommand(
  context: CommandContext,
  argument: string | undefined,
  flags: PurgeFlags,
): Promise<void> {
  const dryRun = isDryRun(flags);
  const config = await context.loadConfig({ argument, flags, destructive: !dryRun });
  const { auth, uploadPurging } = config.settings;
  const authorize = await readProbeKey(flags.key, { cwd: context.cwd, auth });
  const registries = await findRegistries(config);
  if (!dryRun) await context.recordChange({ target: storeName(config.settings.storage) });
  const driver = await context.openStorage(config, flags);
  const progress = context.progress("looking for uploads; safe to stop", flags);
  let report: PurgeReport;
  try {
    report = await runPurge(
      {
        driver,
        nowMs: Date.now,
        holder: currentMachine(),
        probe: () => probeAll(config, registries, authorize),
      },
      {
        dryRun,
        olderThanMs: flags.olderThan ?? uploadPurging.ageMs,
        concurrency: flags.concurrency,
        force: flags.force ?? false,
        skipIfLocked: flags.skipIfLocked ?? false,
        otherStores: otherStores(registries, (text) => context.notice(text, flags)),
        onProgress: (event) => progress.update(() => renderPurgeProgress(event)),
        signal: context.signal,
      },
    );
  } finally {
    progress.stop();
  }
  if (!dryRun) {
    const amount = `${report.purged.length} uploads (${formatBytes(report.purgedBytes)})`;
    await context.recordChange({ summary: `deleted ${amount}` });
  }
  if (!flags.json) {
    for (const warning of report.warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
    for (const { path, error } of report.failed) {
      context.stderr.write(`failed: ${printable(`${path}: ${error}`)}\n`);
    }
  }
  context.report(report, (result) => printable(renderPurge(result)), flags);
  if (report.failures > 0) context.setExitCode(FAILED_IN_PART);
}
