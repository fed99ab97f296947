import { readOnlyStatus } from "../../operations/readonly/read-only-status.ts";
import type { CommandContext } from "../context.ts";
import { openRegistry } from "./open-registry.ts";
import type { HoldFlags } from "./readonly-flags.ts";
import { renderReadOnly } from "./render.ts";

const UNKNOWN = 1;
const NOT_RUNNING = 3;

/** `readonly status`. */
export async function runStatus(
  context: CommandContext,
  argument: string | undefined,
  flags: HoldFlags,
): Promise<void> {
  const config = await context.loadConfig({ argument, flags });
  const { dependencies, file } = await openRegistry(context, config, flags);
  const report = await readOnlyStatus({ ...dependencies, file });
  context.report(report, renderReadOnly, flags);
  if (report.by === "none") context.setExitCode(NOT_RUNNING);
  else if (report.readOnly === undefined) context.setExitCode(UNKNOWN);
}
