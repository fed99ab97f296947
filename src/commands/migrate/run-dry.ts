import { availableParallelism } from "node:os";
import type { ComparableConfig } from "../../config/load-config.ts";
import type { ReadTarget } from "../../config/load-target.ts";
import { UsageError } from "../../errors.ts";
import { planMigration } from "../../operations/migrate/migration-plan.ts";
import { migrationId } from "../../state/migrations.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import type { CommandContext } from "../context.ts";
import type { MigrateFlags } from "./migrate-flags.ts";
import { nameTarget } from "./name-target.ts";
import { openOther, openSource } from "./open-stores.ts";
import { renderPlan } from "./render-plan.ts";

const MAX_THREADS = 4;

/** `migrate --dry-run`: tells what there is, and tries a target that is named completely. */
export async function runDry(
  context: CommandContext,
  argument: string | undefined,
  flags: MigrateFlags,
): Promise<void> {
  const named = await nameTarget(context, flags, false);
  const config = await context.loadConfig({ argument, flags });
  refuseMemory(config);
  const source = await openSource(context, config, flags, { dryRun: true });
  const { storage } = config.settings;
  const progress = context.progress("looking what there is to copy", flags);
  try {
    const plan = await planMigration({
      source: { settings: storage, driver: source, usesMetadataDatabase: config.usesMetadataDatabase },
      target: {
        driver: named.driver,
        missing: named.missing,
        opened: named.storage && {
          settings: named.storage,
          driver: await openOther(context, named.storage, flags),
        },
      },
      id: named.storage && migrationId(storeIdentity(storage), storeIdentity(named.storage)),
      nowMs: Date.now,
      steadyMs: () => performance.now(),
      threads: Math.min(availableParallelism(), MAX_THREADS),
      signal: context.signal,
      onProgress: (text) => progress.update(text),
    });
    progress.stop();
    warn(context, [...named.warnings, ...plan.warnings]);
    context.report(plan, renderPlan, flags);
  } finally {
    progress.stop();
  }
}

/** @throws {UsageError} if there is nothing that another process could read */
export function refuseMemory({ settings }: ComparableConfig): void {
  if (settings.storage.driver !== "inmemory") return;
  throw new UsageError("the registry stores in memory: only its own process can read that", {
    hint: "start one with another store, and copy the images with a client",
  });
}

/** Says what may surprise. */
export function warn(context: CommandContext, warnings: ReadTarget["warnings"]): void {
  for (const warning of warnings) context.stderr.write(`warning: ${warning}\n`);
}
