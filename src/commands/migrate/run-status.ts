import { printable } from "../../lib/printable.ts";
import type { DescribedMigration } from "../../operations/migrate/describe-migration.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { knownMigrations } from "./known-migrations.ts";
import { openMigrations } from "./open-stores.ts";

/** What the command line of `migrate status` says. */
export interface StatusFlags extends GlobalFlags {
  stateDir?: string;
}

/** What `migrate status --json` prints. */
export interface MigrationsReport {
  schemaVersion: 1;
  command: "migrate status";
  /** The one that was changed last first. */
  migrations: DescribedMigration[];
}

/** Runs `migrate status`. */
export async function runStatus(
  context: CommandContext,
  argument: string | undefined,
  flags: StatusFlags,
): Promise<void> {
  const config = await context.loadConfig({ argument, flags });
  const migrations = openMigrations(context, flags.stateDir);
  const report: MigrationsReport = {
    ...{ schemaVersion: 1, command: "migrate status" },
    migrations: knownMigrations(migrations, storeIdentity(config.settings.storage)),
  };
  context.report(report, renderMigrations, flags);
}

/** @returns a few lines for each move */
export function renderMigrations({ migrations }: MigrationsReport): string {
  if (migrations.length === 0) return "no move of this registry is known to this user";
  return printable(migrations.map(renderOne).join("\n\n"));
}

function renderOne(migration: DescribedMigration): string {
  const { source, target, phase, startedAt, changedAt, keptConfig, state, next } = migration;
  return [
    `from ${source} to ${target}: ${phase}`,
    `  since ${startedAt.slice(0, 19)}Z, last changed ${changedAt.slice(0, 19)}Z`,
    `  ${state}`,
    ...(keptConfig === undefined ? [] : [`  the old configuration: ${keptConfig}`]),
    `  next: ${next}`,
  ].join("\n");
}
