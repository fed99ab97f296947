import { availableParallelism } from "node:os";
import { CancelledError } from "../../errors.ts";
import { printable } from "../../lib/printable.ts";
import { verifyRegistry } from "../../operations/verify/verify-registry.ts";
import type { VerifyReport } from "../../operations/verify/verify-report.ts";
import { usualConcurrency } from "../../registry/remote-store.ts";
import type { CommandContext } from "../context.ts";
import { openRotation } from "./open-rotation.ts";
import { VerifyProgressText } from "./progress-text.ts";
import { renderReport } from "./render.ts";
import type { VerifyFlags } from "./verify-flags.ts";

/** More do not make the listing of blobs faster. */
const MAX_THREADS = 4;
const PARTLY = 3;
const DIFFERENCES = 4;

/** Runs `verify` of one store. */
export async function runVerify(
  context: CommandContext,
  argument: string | undefined,
  flags: VerifyFlags,
  percent: number | undefined,
): Promise<void> {
  const config = await context.loadConfig({ argument, flags });
  const kept = await openRotation(context, config, config.settings.storage, flags, percent);
  const driver = await context.openStorage(config, flags);
  const progress = context.progress("listing blobs; safe to stop", flags);
  const text = new VerifyProgressText(Date.now);
  let report: VerifyReport;
  try {
    report = await verifyRegistry(
      {
        driver,
        threads: Math.min(availableParallelism(), MAX_THREADS),
        nowMs: Date.now,
        signal: context.signal,
        onProgress: (event) => progress.update(text.of(event)),
      },
      {
        checksumPercent: percent,
        rotation: kept?.rotation,
        repositories: flags.repository ?? [],
        strict: flags.strict,
        concurrency: flags.concurrency ?? usualConcurrency(driver),
        usesMetadataDatabase: config.usesMetadataDatabase,
      },
    );
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    throw new CancelledError("stopped before everything was looked at; nothing was changed", {
      cause: error,
    });
  } finally {
    kept?.keep();
    progress.stop();
  }
  if (kept && report.checksum) {
    report = { ...report, checksum: { ...report.checksum, rotation: kept.report() } };
  }
  if (!flags.json) {
    for (const warning of report.warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
  }
  context.report(report, renderReport, flags);
  if (report.problemCount > 0) context.setExitCode(DIFFERENCES);
  else if (report.uncheckedCount > 0) context.setExitCode(PARTLY);
}
