import { type Command, Option } from "commander";

/**
 * Adds `-n, --dry-run` and its other spelling `--dryrun`, which hands and scripts know from the AWS command line.
 * Read both with {@link isDryRun}.
 */
export function withDryRun(command: Command, effect: string, spellings = "--dryrun"): Command {
  return command
    .option("-n, --dry-run", `${effect} (also: ${spellings})`)
    .addOption(new Option("--dryrun", "the same as --dry-run").hideHelp());
}

/** Tells whether either spelling was given. */
export function isDryRun(flags: { dryRun?: boolean; dryrun?: boolean }): boolean {
  return Boolean(flags.dryRun || flags.dryrun);
}
