import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import type { MigrateFlags } from "./migrate-flags.ts";

/** Runs `migrate`. */
export async function run(
  context: CommandContext,
  argument: string | undefined,
  flags: MigrateFlags,
): Promise<void> {
  if (isDryRun(flags)) {
    const { runDry } = await import("./run-dry.ts");
    await runDry(context, argument, flags);
    return;
  }
  const { runMigrate } = await import("./run-migrate.ts");
  await runMigrate(context, argument, flags);
}
