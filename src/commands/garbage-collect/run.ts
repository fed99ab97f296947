import { storeName } from "../../config/store-name.ts";
import { printable } from "../../lib/printable.ts";
import { compileLightly } from "../../process/compile-lightly.ts";
import type { SliceGate } from "../../registry/apply/slice-gate.ts";
import type { CommandContext } from "../context.ts";
import { readProtectFile } from "../tags/read-protect-file.ts";
import { probeAll } from "./ask-registries.ts";
import { chooseMode, findOurServer, refuseFlags } from "./choose-mode.ts";
import { exitCodeOf } from "./exit-code-of.ts";
import { type GarbageFlags, readFlags } from "./garbage-flags.ts";
import { prepareRun } from "./prepare-run.ts";
import { printReport } from "./print-report.ts";
import { renderAmounts } from "./render.ts";
import { renderHeld, renderIntended, renderUntil } from "./render-mode.ts";
import { type CollectionWay, runCollection } from "./run-collection.ts";

/** Uploads under way may go on for so long before the registry is made read-only or stopped. */
const DRAIN_MS = 30_000;

/** A dry run beside our server, which takes writes meanwhile: it removes nothing, so that nobody has to let go of anything. */
const NOBODY_ASKED: SliceGate = {
  begin: async () => undefined,
  condemn: async (_slice, keys) => new Set(keys),
  conclude: async () => undefined,
};

/** Runs the command. */
export async function run(
  context: CommandContext,
  argument: string | undefined,
  flags: GarbageFlags,
): Promise<void> {
  compileLightly();
  if (flags.collector) {
    const { runAsCollector } = await import("./run-as-collector.ts");
    await runAsCollector(context, flags);
    return;
  }
  const nowMs = Date.now();
  const request = readFlags(flags, nowMs, await readProtectFile(context, flags.protect));
  refuseFlags(flags);
  const config = await context.loadConfig({ argument, flags, destructive: !request.dryRun });
  const server = await findOurServer(config, flags);
  const mode = chooseMode(flags, server);
  if (request.untilMs !== undefined) context.notice(renderUntil(request.untilMs, nowMs), flags);
  if (mode === "online" && server && !request.dryRun) {
    const { runOnline } = await import("./run-online.ts");
    await runOnline(context, config, flags, request, server);
    return;
  }
  const prepared = await prepareRun(context, config, flags, request);
  const { recorded, warnings, authorize } = prepared;
  if (request.dryRun && mode !== undefined) context.notice(renderIntended(mode), flags);
  let release = async (): Promise<void> => undefined;
  try {
    if (!request.dryRun) await context.recordChange({ target: storeName(config.settings.storage) });
    let check: CollectionWay["probe"] | undefined;
    if (!request.dryRun && (mode === "offline" || mode === "read-only")) {
      const { openHold } = await import("../readonly/open-hold.ts");
      const reason = `garbage-collect --mode ${mode}`;
      const held = await openHold(context, config, flags, {
        mode,
        reason,
        drainMs: flags.timeout ?? DRAIN_MS,
      });
      context.notice(renderHeld(mode, held.how), flags);
      check = () => held.check();
      release = () => held.release();
    }
    const report = await runCollection(context, config, flags, prepared, (_driver, registries) => ({
      probe: check ?? (() => probeAll(config, registries, authorize)),
      gate: request.dryRun && server ? NOBODY_ASKED : undefined,
    }));
    const exitCode = exitCodeOf(report);
    if (!request.dryRun) await context.recordChange({ summary: `deleted ${renderAmounts(report.deleted)}` });
    await recorded?.end(report, exitCode);
    printReport(context, { ...report, warnings: [...report.warnings, ...warnings] }, flags);
    context.setExitCode(exitCode);
  } catch (error) {
    await recorded?.fail(error);
    for (const warning of warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
    await release().catch((problem: unknown) => {
      context.stderr.write(
        `warning: ${printable(problem instanceof Error ? problem.message : String(problem))}\n`,
      );
    });
    throw error;
  } finally {
    recorded?.close();
  }
  await release();
}
