import { Command, Option } from "commander";
import { withControlSocket } from "../../ui/options/control-socket.ts";
import { withDryRun } from "../../ui/options/dry-run.ts";
import { withService } from "../../ui/options/service.ts";
import type { CommandContext } from "../context.ts";
import { parseConcurrency, parseTimeout } from "../garbage-collect/parse-flags.ts";
import { FINISH_HELP, FORGET_HELP, HELP, ROLLBACK_HELP, STATUS_HELP } from "./help-texts.ts";
import type { FinishFlags, MigrateFlags, RollbackFlags } from "./migrate-flags.ts";
import { parseBandwidth, parseShare } from "./parse-flags.ts";
import type { ForgetFlags } from "./run-forget.ts";
import type { StatusFlags } from "./run-status.ts";

const MINUTE_MS = 60_000;
const CONFIG_HELP = "path of the registry's config.yml (default: see registry-ctl --help)";

/** `registry-ctl migrate [config]`: moves a live registry to another store. */
export function migrateCommand(context: CommandContext): Command {
  const command = new Command("migrate")
    .argument("[config]", CONFIG_HELP)
    .summary("move a live registry to another store")
    .description(
      "Copies all that a registry has to another store while it serves, again and again until little is left, and compares " +
        "both. With --cutover the registry is then read-only for the last differences, is compared once more, and goes on with " +
        "the new store. Run again it goes on where it was.",
    );
  withTarget(command);
  withDryRun(command, "say what there is to copy and how long that takes; change nothing")
    .option("--cutover", "have the registry use the new store afterwards")
    .option("--redirect", "with --cutover, let clients download from the bucket directly")
    .option(
      "--delete",
      "remove from the target what the source has not any more (with --cutover it always is)",
    )
    .option(
      "--confirm-target <name>",
      "name of the bucket or folder, where a target has files that no run of this has written",
    )
    .option(
      "--skip-damaged",
      "go on although blobs of the source are not what their digest says; they are not copied",
    )
    .option("--allow-empty", "go on although the source has nothing")
    .option(
      "--allow-shrunk-source",
      "go on although the source has less than 99 % of what it had in the last run",
    );
  withCopy(command).addHelpText("after", HELP);
  command
    .addCommand(finishCommand(context))
    .addCommand(rollbackCommand(context))
    .addCommand(statusCommand(context))
    .addCommand(forgetCommand(context));
  return command.action(async (config: string | undefined) => {
    const { run } = await import("./run.ts");
    await run(context, config, command.optsWithGlobals<MigrateFlags>());
  });
}

function finishCommand(context: CommandContext): Command {
  const command = new Command("finish")
    .argument("[config]", CONFIG_HELP)
    .summary("let the registry use the new store, with what was copied before")
    .description(
      "Does what migrate --cutover does, for the move that migrate has begun for this registry; also goes on with a change of " +
        "the store that was left half done.",
    )
    .option("--redirect", "let clients download from the bucket directly")
    .option("--skip-damaged", "go on although blobs of the source are not what their digest says")
    .option(
      "--allow-shrunk-source",
      "go on although the source has less than 99 % of what it had in the last run",
    );
  withCopy(command).addHelpText("after", FINISH_HELP);
  return command.action(async (config: string | undefined) => {
    const { runFinish } = await import("./run-finish.ts");
    await runFinish(context, config, command.optsWithGlobals<FinishFlags>());
  });
}

function rollbackCommand(context: CommandContext): Command {
  const command = new Command("rollback")
    .argument("[config]", CONFIG_HELP)
    .summary("go back to the old store, with what was pushed since")
    .description(
      "Copies what has changed since the cut-over back to the old store while the registry is read-only, compares both, and has " +
        "the registry use the old store again. Other changes of config.yml since then stay.",
    );
  withDryRun(command, "say what would be copied back; change nothing")
    .option("--discard-new-pushes", "go back without what was pushed since the cut-over")
    .option(
      "--allow-shrunk-source",
      "go on although the new store has less than 99 % of what was copied to it",
    );
  withCopy(command).addHelpText("after", ROLLBACK_HELP);
  return command.action(async (config: string | undefined) => {
    const { runRollback } = await import("./run-rollback.ts");
    await runRollback(context, config, command.optsWithGlobals<RollbackFlags>());
  });
}

function statusCommand(context: CommandContext): Command {
  const command = new Command("status")
    .argument("[config]", CONFIG_HELP)
    .summary("tell how far a move is")
    .description("Tells how far the moves of this registry are, and how to go on or back. Changes nothing.")
    .addHelpText("after", STATUS_HELP);
  return command.action(async (config: string | undefined) => {
    const { runStatus } = await import("./run-status.ts");
    await runStatus(context, config, command.optsWithGlobals<StatusFlags>());
  });
}

function forgetCommand(context: CommandContext): Command {
  const command = new Command("forget")
    .argument("[config]", CONFIG_HELP)
    .summary("remove what is remembered of moves, with the keys of both stores")
    .description(
      "Removes what this user remembers of the moves of this registry: it holds the keys of both stores. To go back is not " +
        "possible afterwards. Neither store is touched.",
    )
    .option("-y, --yes", "do not ask")
    .addHelpText("after", FORGET_HELP);
  return command.action(async (config: string | undefined) => {
    const { runForget } = await import("./run-forget.ts");
    await runForget(context, config, command.optsWithGlobals<ForgetFlags>());
  });
}

function withTarget(command: Command): Command {
  return command
    .option("--to <driver>", "kind of the new store: s3 or filesystem")
    .option(
      "--target-config <file>",
      "config.yml, or a part of one, with the storage section of the new store",
    )
    .option("--bucket <name>", "bucket of the new store")
    .option("--region <name>", "its region")
    .option("--endpoint <url>", "address of an S3 server other than AWS (regionendpoint)")
    .option("--rootdirectory <folder>", "folder of the new store, or in the bucket")
    .addOption(
      new Option(
        "--set <key=value>",
        "any other key of the driver that is no secret; may be repeated",
      ).argParser((value: string, previous: string[] | undefined) => [...(previous ?? []), value]),
    )
    .option("--access-key-file <file>", "file with the access key of the bucket")
    .option("--secret-key-file <file>", "file with its secret key");
}

function withCopy(command: Command): Command {
  command
    .addOption(
      new Option("--concurrency <n>", "small files copied at a time (default: found by measuring)").argParser(
        parseConcurrency,
      ),
    )
    .addOption(
      new Option("--max-bandwidth <rate>", "bytes a second at the most, such as 200MiB/s").argParser(
        parseBandwidth,
      ),
    )
    .addOption(
      new Option(
        "--checksum [percent]",
        "hash blobs at the target when comparing: all, or a share of them by chance",
      )
        .preset("100%")
        .argParser(parseShare),
    )
    .addOption(
      new Option("--drain <time>", "let uploads under way go on for so long before the registry is read-only")
        .default(MINUTE_MS, "1m")
        .argParser(parseTimeout),
    )
    .addOption(
      new Option("--timeout <time>", "how long to wait until the registry uses the other store")
        .default(10 * MINUTE_MS, "10m")
        .argParser(parseTimeout),
    )
    .option("--key <file>", "private key that tokens are signed with, for proofs where auth.token is on")
    .option("-y, --yes", "do not ask");
  return withControlSocket(withService(command));
}
