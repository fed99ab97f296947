import { Command, InvalidArgumentError, Option } from "commander";
import { isRepositoryName } from "../../oci/reference.ts";
import { withControlSocket } from "../../ui/options/control-socket.ts";
import { withDryRun } from "../../ui/options/dry-run.ts";
import { withService } from "../../ui/options/service.ts";
import type { CommandContext } from "../context.ts";
import { parseAge, parseConcurrency, parseTimeout } from "../garbage-collect/parse-flags.ts";
import { parseTime } from "../history/parse-time.ts";
import { parseBandwidth, parseShare } from "../migrate/parse-flags.ts";
import type { CreateFlags, ListFlags, PruneFlags, RestoreFlags, VerifyFlags } from "./backup-flags.ts";
import { CREATE_HELP, HELP, LIST_HELP, PRUNE_HELP, RESTORE_HELP, VERIFY_HELP } from "./help-texts.ts";

const HALF_A_MINUTE_MS = 30_000;
const DAY_MS = 24 * 3_600_000;

/** `registry-ctl backup`: incremental copies of a registry in another store. */
export function backupCommand(context: CommandContext): Command {
  return new Command("backup")
    .summary("keep copies of a registry in another store, and restore them")
    .description(
      "Keeps snapshots of a registry in another store: a folder or a bucket. Each has all that can be pulled, and shares what it " +
        "has in common with the others, so that only what is new is copied. The registry may be in use all the while.",
    )
    .addCommand(createCommand(context))
    .addCommand(listCommand(context))
    .addCommand(verifyCommand(context))
    .addCommand(restoreCommand(context))
    .addCommand(pruneCommand(context))
    .addHelpText("after", HELP);
}

function createCommand(context: CommandContext): Command {
  const command = new Command("create")
    .argument("[config]", "path of the registry's config.yml (default: see registry-ctl --help)")
    .summary("take a snapshot")
    .description(
      "Copies what a registry has and its backups lack, and then writes a snapshot. Safe beside a running registry, with pushes and " +
        "collections. Ended before its end it leaves no snapshot, and the next run copies nothing twice.",
    );
  withStore(command)
    .option("--metadata-only", "copy manifests, but no configs and layers: small, to restore tags over blobs")
    .option("--tags-only", "leave out manifests that no tag needs")
    .option("--strict", "write no snapshot if anything is damaged or could not be had")
    .option("--moved", "the registry has another store than when its last backup was taken")
    .option("--allow-empty", "take a snapshot although the registry has nothing");
  withPace(command).addHelpText("after", CREATE_HELP);
  return command.action(async (config: string | undefined) => {
    const { runCreate } = await import("./run-create.ts");
    await runCreate(context, config, command.optsWithGlobals<CreateFlags>());
  });
}

function listCommand(context: CommandContext): Command {
  const command = new Command("list")
    .summary("show the snapshots")
    .description("Shows the snapshots of a store of backups, the oldest first. Changes nothing.");
  withStore(command)
    .option("--repositories", "show the repositories of each")
    .addHelpText("after", LIST_HELP);
  return command.action(async () => {
    const { runList } = await import("./run-list.ts");
    await runList(context, command.optsWithGlobals<ListFlags>());
  });
}

function verifyCommand(context: CommandContext): Command {
  const command = new Command("verify")
    .argument("[snapshot]", "only this one, by its name or the beginning or end of it")
    .summary("look whether all that the snapshots need is there")
    .description(
      "Reads all snapshots and looks whether each blob that they need is there in its size. Changes nothing.",
    );
  withStore(command)
    .addOption(
      new Option("--checksum [percent]", "read blobs and compare digests: all, or a share of them by chance")
        .preset("100%")
        .argParser(parseShare),
    )
    .addOption(concurrencyOption())
    .addHelpText("after", VERIFY_HELP);
  return command.action(async (snapshot: string | undefined) => {
    const { runVerify } = await import("./run-verify.ts");
    await runVerify(context, snapshot, command.optsWithGlobals<VerifyFlags>());
  });
}

function restoreCommand(context: CommandContext): Command {
  const command = new Command("restore")
    .argument("[snapshot]", "by its name or the beginning or end of it (default: the latest)")
    .summary("bring back a snapshot, or some repositories of it")
    .description(
      "Brings back what a snapshot has and the registry lacks: blobs, then links, then tags. What was pushed since stays, but tags that " +
        "point elsewhere are asked about. A running registry is read-only meanwhile. What lacks a blob is not restored, and listed. " +
        "The registry is that of --config, unless --to names another store.",
    );
  withStore(command)
    .addOption(
      new Option("--at <time>", "the snapshot that was the latest at this time, or so long ago").argParser(
        (text: string) => parseTime(text, Date.now()),
      ),
    )
    .addOption(
      new Option("--repository <name>", "only this repository and those below it; may be repeated").argParser(
        (value: string, previous: string[] | undefined) => [...(previous ?? []), parseName(value)],
      ),
    )
    .option(
      "--to <place>",
      "restore into this folder, or the store that this file names; no registry may use it",
    )
    .option("--keep-existing", "leave tags alone that point elsewhere")
    .addOption(
      new Option("--mode <mode>", "what a running registry is meanwhile")
        .choices(["read-only", "offline"])
        .default("read-only"),
    )
    .addOption(
      new Option("--drain <time>", "let uploads under way go on for so long before that")
        .default(HALF_A_MINUTE_MS, "30s")
        .argParser(parseTimeout),
    )
    .option("--key <file>", "private key that tokens are signed with, for proofs where auth.token is on")
    .option("-y, --yes", "do not ask");
  withDryRun(command, "say what would be restored and which tags would point elsewhere; change nothing");
  withPace(withControlSocket(withService(command))).addHelpText("after", RESTORE_HELP);
  return command.action(async (snapshot: string | undefined) => {
    const { runRestore } = await import("./run-restore.ts");
    await runRestore(context, snapshot, command.optsWithGlobals<RestoreFlags>());
  });
}

function pruneCommand(context: CommandContext): Command {
  const command = new Command("prune")
    .summary("remove old snapshots, and the blobs that none of the others needs")
    .description(
      "Removes the snapshots that neither --keep-last nor --keep-within keeps, and then the blobs that no snapshot needs. The newest " +
        "snapshot always stays, and the newest that is not of metadata alone. Waits for nobody: while a backup is taken or restored it ends with exit code 12.",
    );
  withStore(command)
    .addOption(new Option("--keep-last <n>", "keep the newest so many").argParser(parseConcurrency))
    .addOption(
      new Option("--keep-within <time>", "keep those that are no older, such as 30d").argParser(parseAge),
    )
    .addOption(
      new Option("--grace <time>", "keep blobs that are no older, for a run that was ended to go on with")
        .default(DAY_MS, "24h")
        .argParser(parseAge),
    )
    .option("-y, --yes", "do not ask");
  withDryRun(command, "say what would go; remove nothing").addHelpText("after", PRUNE_HELP);
  return command.action(async () => {
    const { runPrune } = await import("./run-prune.ts");
    await runPrune(context, command.optsWithGlobals<PruneFlags>());
  });
}

function withStore(command: Command): Command {
  return command.option(
    "--store <place>",
    "where the backups are: a folder, or a config.yml or part of one with a storage section",
  );
}

function withPace(command: Command): Command {
  return command
    .addOption(concurrencyOption())
    .addOption(
      new Option("--max-bandwidth <rate>", "bytes a second at the most, such as 200MiB/s").argParser(
        parseBandwidth,
      ),
    );
}

function concurrencyOption(): Option {
  return new Option(
    "--concurrency <n>",
    "files worked on at a time (default: 16, on an object store 64)",
  ).argParser(parseConcurrency);
}

function parseName(name: string): string {
  if (!isRepositoryName(name)) throw new InvalidArgumentError("It is the name of a repository.");
  return name;
}
