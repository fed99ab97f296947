import type { CollectionEvent } from "../../control/protocol.ts";
import { formatBytes } from "../../lib/units.ts";
import type { CommandResult } from "../../state/command-journal.ts";

/** How a collection has ended, for the journal of commands. */
export interface RunResult {
  /** What was deleted; undefined: nothing is known of it. */
  summary: string | undefined;
  result: CommandResult;
}

/** @param event - the last one that is heard of a collection */
export function resultOfRun(event: Extract<CollectionEvent, { type: "report" | "failed" }>): RunResult {
  const { exitCode } = event;
  if (event.type === "failed") {
    return { summary: undefined, result: { outcome: "failed", exitCode, message: event.message } };
  }
  const report = fieldsOf(event.report);
  const outcome = report["stopped"] !== undefined ? "stopped" : exitCode === 0 ? "done" : "failed";
  return { summary: summaryOf(fieldsOf(report["deleted"])), result: { outcome, exitCode } };
}

function summaryOf({ blobs, bytes, manifests }: Record<string, unknown>): string | undefined {
  if (typeof blobs !== "number" || typeof bytes !== "number" || typeof manifests !== "number")
    return undefined;
  return `deleted ${manifests} manifests, ${blobs} blobs (${formatBytes(bytes)})`;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
