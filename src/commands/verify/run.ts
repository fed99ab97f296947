import { availableParallelism } from "node:os";
import { CancelledError, UsageError } from "../../errors.ts";
import { verifyRegistry } from "../../operations/verify/verify-registry.ts";
import type { VerifyReport } from "../../operations/verify/verify-report.ts";
import { usualConcurrency } from "../../registry/remote-store.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { VerifyProgressText } from "./progress-text.ts";
import { renderReport } from "./render.ts";

/** What the command line says. */
export interface VerifyFlags extends GlobalFlags {
  /** Per cent; a text is the command's argument, written behind a bare `--checksum`. */
  checksum?: number | string;
  repository?: string[];
  strict: boolean;
  concurrency?: number;
}

/** More do not make the listing of blobs faster. */
const MAX_THREADS = 4;
const PARTLY = 3;
const DIFFERENCES = 4;

/** Runs the command. */
export async function run(
  context: CommandContext,
  firstArgument: string | undefined,
  flags: VerifyFlags,
): Promise<void> {
  const { percent, argument } = readChecksum(flags.checksum, firstArgument);
  const config = await context.loadConfig({ argument, flags });
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
    progress.stop();
  }
  if (!flags.json) for (const warning of report.warnings) context.stderr.write(`warning: ${warning}\n`);
  context.report(report, renderReport, flags);
  if (report.problemCount > 0) context.setExitCode(DIFFERENCES);
  else if (report.uncheckedCount > 0) context.setExitCode(PARTLY);
}

/** @throws {UsageError} if there is one argument too many */
function readChecksum(
  checksum: number | string | undefined,
  argument: string | undefined,
): { percent: number | undefined; argument: string | undefined } {
  if (typeof checksum !== "string") return { percent: checksum, argument };
  if (argument !== undefined) {
    throw new UsageError(`too many arguments: ${JSON.stringify(checksum)} and ${JSON.stringify(argument)}`, {
      hint: "give a share as --checksum=5%, and one configuration file",
    });
  }
  return { percent: 100, argument: checksum };
}
