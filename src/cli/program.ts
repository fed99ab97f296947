import { Command, Option } from "commander";
import { backupCommand } from "../commands/backup/command.ts";
import { cleanupCommand } from "../commands/cleanup/command.ts";
import { configCommand } from "../commands/config/command.ts";
import type { CommandContext } from "../commands/context.ts";
import { cronCommand } from "../commands/cron/command.ts";
import { deletionsCommand } from "../commands/deletions/command.ts";
import { garbageCollectCommand } from "../commands/garbage-collect/command.ts";
import { historyCommand } from "../commands/history/command.ts";
import { keysCommand } from "../commands/keys/command.ts";
import { manifestsCommand } from "../commands/manifests/command.ts";
import { migrateCommand } from "../commands/migrate/command.ts";
import { moveCommand } from "../commands/move/command.ts";
import { readonlyCommand } from "../commands/readonly/command.ts";
import { reconfigureCommand } from "../commands/reconfigure/command.ts";
import { recoverCommand } from "../commands/recover/command.ts";
import { reloadCommand } from "../commands/reload/command.ts";
import { restartCommand } from "../commands/restart/command.ts";
import { serveCommand } from "../commands/serve/command.ts";
import { startCommand } from "../commands/start/command.ts";
import { statusCommand } from "../commands/status/command.ts";
import { stopCommand } from "../commands/stop/command.ts";
import { tagsCommand } from "../commands/tags/command.ts";
import { tailCommand } from "../commands/tail/command.ts";
import { uploadsCommand } from "../commands/uploads/command.ts";
import { usageCommand } from "../commands/usage/command.ts";
import { usersCommand } from "../commands/users/command.ts";
import { verifyCommand } from "../commands/verify/command.ts";

/** The commands in the order in which help shows them. */
const COMMANDS: readonly ((context: CommandContext) => Command)[] = [
  serveCommand,
  startCommand,
  stopCommand,
  restartCommand,
  reloadCommand,
  reconfigureCommand,
  statusCommand,
  tailCommand,
  readonlyCommand,
  recoverCommand,
  garbageCollectCommand,
  cronCommand,
  verifyCommand,
  moveCommand,
  migrateCommand,
  backupCommand,
  uploadsCommand,
  tagsCommand,
  manifestsCommand,
  deletionsCommand,
  usageCommand,
  cleanupCommand,
  configCommand,
  keysCommand,
  usersCommand,
  historyCommand,
];

/**
 * Builds the command tree. Loads only what declares options: a command's work is imported when it runs.
 *
 * Commander's own errors are thrown, never exited on.
 *
 * @param onCommand - is told of the command that was asked for, before it runs
 */
export function createProgram(
  context: CommandContext,
  onCommand: (command: Command) => void = () => {},
): Command {
  const program: Command = new Command("registry-ctl")
    .description("Runs and looks after a container registry.")
    .version(context.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show help for a command")
    .option("-c, --config <file>", "configuration file (default: see below)")
    .option("--json", "print the result as one JSON document on stdout")
    .option("-q, --quiet", "leave out notices and progress")
    .option("-v, --verbose", "show the stack of errors")
    .option("--no-color", "no colour, whatever the terminal can do")
    .option("--no-input", "never ask, as if there were no terminal")
    .addOption(
      new Option(
        "--state-dir <dir>",
        "folder for the journal and what is remembered beside the store (default: /var/lib/registry-ctl for root, else below $XDG_STATE_HOME or ~/.local/state)",
      ).env("REGISTRY_CTL_STATE_DIR"),
    )
    .option("--read-only-store", "refuse every write to the store, to try a command on production first")
    .addOption(
      repeatable(
        "--env-from <source>",
        "take the service's environment: pid:N, systemd:UNIT, a file or a folder",
      ),
    )
    .addOption(
      repeatable(
        "--allow-unimplemented <key>",
        "go on although this configuration key is not implemented yet",
      ),
    )
    .addHelpText(
      "after",
      `
Where the configuration comes from: the argument or --config, $REGISTRY_CONFIGURATION_PATH, ./config.yml if it has
version and storage, else an embedded default that stores in ./registry-data and listens on 127.0.0.1:5000.

Examples:
  $ registry-ctl serve                              run a registry right here
  $ registry-ctl config check config.yml            find mistakes before a restart does
  $ registry-ctl garbage-collect -m -n config.yml   see what a collection would delete
  $ registry-ctl garbage-collect -m config.yml      delete it

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 partly done, 4 differences found, 10 configuration missing or invalid,
11 store unreachable or denied, 12 registry locked or not read-only, 129/130/143 stopped by a signal.`,
    )
    .configureHelp({
      showGlobalOptions: true,
      sortSubcommands: false,
      // Not those of commands in between, which mean nothing to their children, nor what a command says better itself.
      visibleGlobalOptions: (command) => {
        const own = new Set(command.options.map((option) => option.long));
        return command === program
          ? []
          : program.options.filter((option) => !option.hidden && !own.has(option.long));
      },
    })
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
      // The error report shows it, once, in our form.
      outputError: () => undefined,
    })
    .hook("preAction", (_program, command) => onCommand(command))
    .exitOverride();
  for (const create of COMMANDS) adopt(program, create(context));
  return program;
}

/** Adds a command and gives it and its children the parent's settings; otherwise Commander exits by itself in them. */
function adopt(parent: Command, child: Command): void {
  inherit(child, parent);
  parent.addCommand(child);
}

function inherit(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(child, command);
}

function repeatable(flags: string, description: string): Option {
  return new Option(flags, `${description}; may be repeated`).argParser(
    (value: string, previous: string[] | undefined) => [...(previous ?? []), value],
  );
}
