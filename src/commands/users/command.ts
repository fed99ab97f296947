import { Command, InvalidArgumentError, Option } from "commander";
import { userNameProblem } from "../../lib/htpasswd.ts";
import { withDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import type { UsersFlags } from "./find-users-file.ts";
import type { RemoveFlags, SetPasswordFlags } from "./run.ts";

/** The default of Go's library and so of the Go registry; OWASP asks for 10 at least. */
const DEFAULT_COST = 10;

/** `users add`, `users passwd`, `users remove` and `users list`. */
export function usersCommand(context: CommandContext): Command {
  const users = new Command("users")
    .summary("look after the users of auth.htpasswd")
    .description(
      "Looks after the users of a registry with auth.htpasswd. A running registry sees changes within a second, whatever " +
        "program makes them.",
    )
    .addHelpText("after", USERS_HELP);
  return users
    .addCommand(setPasswordCommand(context, "add"))
    .addCommand(setPasswordCommand(context, "passwd"))
    .addCommand(removeCommand(context))
    .addCommand(listCommand(context));
}

function setPasswordCommand(context: CommandContext, verb: "add" | "passwd"): Command {
  const command = userCommand(verb);
  if (verb === "add") {
    command
      .summary("add a user")
      .description("Adds a user. The file is made if it is missing, readable for its owner only.");
  } else {
    command.summary("give a user another password").description("Gives a user another password.");
  }
  withDryRun(command, "say what would be done; ask for no password, change nothing")
    .option("--password-stdin", "read the password from standard input, without its final line end")
    .option("--generate", "make a password and print it, once")
    .addOption(
      new Option("--cost <n>", "how much work a login is, 4 to 15; one more doubles it")
        .default(DEFAULT_COST)
        .argParser(parseCost),
    )
    .addHelpText("after", verb === "add" ? ADD_HELP : PASSWD_HELP);
  return command.action(async (user: string, config: string | undefined) => {
    const { runSetPassword } = await import("./run.ts");
    await runSetPassword(context, verb, { user, config }, command.optsWithGlobals<SetPasswordFlags>());
  });
}

function removeCommand(context: CommandContext): Command {
  const command = userCommand("remove")
    .summary("remove a user")
    .description(
      "Removes a user, who cannot log in any more within a second; requests that have begun go on.",
    );
  withDryRun(command, "say what would be removed; change nothing")
    .option("-y, --yes", "do not ask; needed without a terminal")
    .addHelpText("after", REMOVE_HELP);
  return command.action(async (user: string, config: string | undefined) => {
    const { runRemove } = await import("./run.ts");
    await runRemove(context, { user, config }, command.optsWithGlobals<RemoveFlags>());
  });
}

function listCommand(context: CommandContext): Command {
  const command = withFile(new Command("list"))
    .argument("[config]", CONFIG_HELP)
    .summary("list users, and who of them cannot log in")
    .description(
      "Lists users in the order of the file, with the kind of their password hash. Hashes are not shown.",
    )
    .addHelpText("after", LIST_HELP);
  return command.action(async (config: string | undefined) => {
    const { runList } = await import("./run.ts");
    await runList(context, config, command.optsWithGlobals<UsersFlags>());
  });
}

const CONFIG_HELP = "path of the registry's config.yml (default: see registry-ctl --help)";

function userCommand(name: string): Command {
  return withFile(new Command(name))
    .argument("<user>", "name of the user", parseUser)
    .argument("[config]", CONFIG_HELP);
}

function withFile(command: Command): Command {
  return command.option("--file <file>", "the htpasswd file itself, in place of a configuration");
}

function parseUser(text: string): string {
  const problem = userNameProblem(text);
  if (problem !== undefined) throw new InvalidArgumentError(`It cannot be a user's name: ${problem}.`);
  return text;
}

function parseCost(text: string): number {
  const cost = Number(text);
  if (!/^\d{1,2}$/.test(text) || cost < 4 || cost > 15)
    throw new InvalidArgumentError("It is a number from 4 to 15.");
  return cost;
}

const USERS_HELP = `
Examples:
  $ registry-ctl users list config.yml         who there is
  $ registry-ctl users add alice config.yml    asks for the password

The help of each command has its exit codes.`;

const CHANGE_CODES = `10 configuration missing, invalid or without auth.htpasswd,
12 others are changing the file, 129/130/143 stopped by a signal.`;

const ADD_HELP = `
Without --password-stdin and --generate the password is asked for, twice, and not shown. It has 72 bytes at the most.

Examples:
  $ registry-ctl users add --dry-run alice config.yml               see which file it would be
  $ registry-ctl users add alice config.yml                         asks for the password
  $ registry-ctl users add --password-stdin ci config.yml <secret   from a file
  $ registry-ctl users add --generate --file ./htpasswd bob         prints a password

Exit codes: 0 done, 1 there is such a user already, or the file cannot be written, 2 wrong usage, or a password that
cannot be taken, ${CHANGE_CODES}`;

const PASSWD_HELP = `
Without --password-stdin and --generate the password is asked for, twice, and not shown. It has 72 bytes at the most.

Examples:
  $ registry-ctl users passwd --dry-run alice config.yml
  $ registry-ctl users passwd alice config.yml
  $ registry-ctl users passwd --generate --json --file ./htpasswd ci

Exit codes: 0 done, 1 there is no such user, or the file cannot be written, 2 wrong usage, or a password that
cannot be taken, ${CHANGE_CODES}`;

const REMOVE_HELP = `
Examples:
  $ registry-ctl users remove --dry-run alice config.yml
  $ registry-ctl users remove alice config.yml
  $ registry-ctl users remove --yes --file ./htpasswd ci

Exit codes: 0 done, 1 there is no such user, or the file cannot be written, 2 wrong usage, or an answer was needed and
there was no terminal, ${CHANGE_CODES}`;

const LIST_HELP = `
Examples:
  $ registry-ctl users list config.yml
  $ registry-ctl users list --json --file ./htpasswd

Exit codes: 0 done, 1 the file cannot be read, 2 wrong usage, 10 configuration missing, invalid or without
auth.htpasswd.`;
