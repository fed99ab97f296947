import { printable } from "../../lib/printable.ts";
import type { GarbageReport } from "../../operations/gc/garbage-report.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { renderReport } from "./render.ts";

/** Prints the result of a collection, and before it, on standard error, what went wrong. */
export function printReport(context: CommandContext, report: GarbageReport, flags: GlobalFlags): void {
  if (!flags.json) {
    for (const warning of report.warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
    for (const { path, error } of report.failed)
      context.stderr.write(`failed: ${printable(`${path}: ${error}`)}\n`);
  }
  context.report(report, (result) => printable(renderReport(result)), flags);
}
