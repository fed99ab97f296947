import { printable } from "../../lib/printable.ts";
import { formatSpan } from "../../lib/spans-of-time.ts";
import type { GarbageReport } from "../../operations/gc/garbage-report.ts";
import { compileLightly } from "../../process/compile-lightly.ts";
import type { CommandContext } from "../context.ts";
import { type GarbageFlags, readFlags } from "./garbage-flags.ts";
import { prepareRun } from "./prepare-run.ts";
import { renderReport } from "./render.ts";
import { runCollection } from "./run-collection.ts";

const FAILED_IN_PART = 3;
const INCOMPLETE = 4;

/** Runs the command. */
export async function run(
  context: CommandContext,
  argument: string | undefined,
  flags: GarbageFlags,
): Promise<void> {
  compileLightly();
  const nowMs = Date.now();
  const request = readFlags(flags, nowMs);
  const config = await context.loadConfig({ argument, flags, destructive: !request.dryRun });
  const prepared = await prepareRun(context, config, flags, request);
  const { recorded, warnings } = prepared;
  if (request.untilMs !== undefined) context.notice(renderUntil(request.untilMs, nowMs), flags);
  try {
    const report = await runCollection(context, config, flags, prepared);
    const exitCode = exitCodeOf(report);
    await recorded?.end(report, exitCode);
    printReport(context, { ...report, warnings: [...report.warnings, ...warnings] }, flags);
    context.setExitCode(exitCode);
  } catch (error) {
    await recorded?.fail(error);
    for (const warning of warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
    throw error;
  } finally {
    recorded?.close();
  }
}

function exitCodeOf({ verified, failed }: GarbageReport): number {
  if (verified && !verified.complete) return INCOMPLETE;
  return failed.length > 0 ? FAILED_IN_PART : 0;
}

function printReport(context: CommandContext, report: GarbageReport, flags: GarbageFlags): void {
  if (!flags.json) {
    for (const warning of report.warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
    for (const { path, error } of report.failed)
      context.stderr.write(`failed: ${printable(`${path}: ${error}`)}\n`);
  }
  context.report(report, (result) => printable(renderReport(result)), flags);
}

function renderUntil(untilMs: number, nowMs: number): string {
  const at = new Date(untilMs);
  const two = (number: number): string => String(number).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const inTime = untilMs > nowMs ? `in ${formatSpan((untilMs - nowMs) / 1000)}` : "which is now";
  return `stops: ${day} ${two(at.getHours())}:${two(at.getMinutes())}, ${inTime}`;
}
