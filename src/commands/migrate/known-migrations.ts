import { type DescribedMigration, describeMigration } from "../../operations/migrate/describe-migration.ts";
import { livenessOf } from "../../operations/runs/run-liveness.ts";
import { currentMachine } from "../../process/machine/run-process.ts";
import type { MigrationRecord } from "../../state/migration-record.ts";
import type { Migrations } from "../../state/migrations.ts";

/** @returns the moves from or to a store, for people */
export function knownMigrations(migrations: Migrations, identity: string): DescribedMigration[] {
  return migrations.about(identity).map((record) => describeMigration(record, isAtWork));
}

/** Tells whether a process other than this one works on a move. */
export function isAtWork({ holder }: MigrationRecord): boolean {
  const machine = currentMachine();
  if (holder === undefined || (holder.pid === machine.pid && holder.bootId === machine.bootId)) return false;
  return livenessOf(holder, machine) === "alive";
}
