import { printable } from "../../lib/printable.ts";
import { listUploads, type UploadsReport } from "../../operations/uploads/list-uploads.ts";
import type { CommandContext, StorageFlags } from "../context.ts";
import { renderUploads } from "./render.ts";

/** What the command line of `uploads list` says. */
export interface ListFlags extends StorageFlags {
  /** In milliseconds. */
  olderThan?: number;
}

const FAILED_IN_PART = 3;

/** Runs `uploads list`. */
export async function runListCommand(
  context: CommandContext,
  argument: string | undefined,
  flags: ListFlags,
): Promise<void> {
  const config = await context.loadConfig({ argument, flags });
  const driver = await context.openStorage(config, { ...flags, readOnlyStore: true });
  const progress = context.progress("looking for uploads", flags);
  let report: UploadsReport;
  try {
    report = await listUploads(driver, {
      writtenBeforeMs: flags.olderThan === undefined ? undefined : Date.now() - flags.olderThan,
      onProgress: (done) => progress.update(() => `looking at uploads: ${done}`),
      signal: context.signal,
    });
  } finally {
    progress.stop();
  }
  if (!flags.json) {
    for (const { path, error } of report.failed) {
      context.stderr.write(`failed: ${printable(`${path}: ${error}`)}\n`);
    }
  }
  context.report(report, (result) => printable(renderUploads(result)), flags);
  if (report.failed.length > 0) context.setExitCode(FAILED_IN_PART);
}
