import { existsSync } from "node:fs";
import { storeName } from "../../config/store-name.ts";
import { countOf } from "../../lib/count-of.ts";
import { printable } from "../../lib/printable.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { halfDone } from "./half-done.ts";
import { openMigrations } from "./open-stores.ts";
import { refuseOther } from "./session.ts";

/** What the command line of `migrate forget` says. */
export interface ForgetFlags extends GlobalFlags {
  stateDir?: string;
  yes?: boolean;
}

/** What `migrate forget --json` prints. */
export interface ForgetReport {
  schemaVersion: 1;
  command: "migrate forget";
  forgotten: { id: string; source: string; target: string; keptConfig?: string }[];
}

/** Runs `migrate forget`: removes what is remembered of a registry's moves, with the keys of both stores. */
export async function runForget(
  context: CommandContext,
  argument: string | undefined,
  flags: ForgetFlags,
): Promise<void> {
  const config = await context.loadConfig({ argument, flags, destructive: true });
  const migrations = openMigrations(context, flags.stateDir);
  const { storage } = config.settings;
  const records = migrations.about(storeIdentity(storage));
  for (const record of records) {
    refuseOther(record);
    if (record.switching !== undefined) throw halfDone(record.switching);
  }
  if (records.length > 0) {
    const what = countOf(records.length, "move");
    await context.confirm(`Forget ${what} of this registry? "migrate rollback" is not possible then.`, flags);
    await context.recordChange({ target: storeName(storage), summary: `forget ${what}` });
  }
  for (const { id } of records) migrations.forget(id);
  const forgotten = records.map(({ id, source, target, keptConfig }) => ({
    ...{ id, source: source.name, target: target.name },
    ...(keptConfig !== undefined && existsSync(keptConfig) ? { keptConfig } : {}),
  }));
  const report: ForgetReport = { schemaVersion: 1, command: "migrate forget", forgotten };
  context.report(report, renderForgotten, flags);
}

function renderForgotten({ forgotten }: ForgetReport): string {
  if (forgotten.length === 0) return "no move of this registry is known to this user";
  const lines = forgotten.flatMap(({ source, target, keptConfig }) => [
    `forgotten: from ${source} to ${target}`,
    ...(keptConfig === undefined
      ? []
      : [`  the old configuration stays, with the keys that are in it: ${keptConfig}`]),
  ]);
  return printable(lines.join("\n"));
}
