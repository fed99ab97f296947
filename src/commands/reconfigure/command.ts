import { Command, InvalidArgumentError, Option } from "commander";
import { DERIVED_KINDS, type DerivedKind } from "../../operations/reconfigure/derived-files.ts";
import { withControlSocket } from "../../ui/options/control-socket.ts";
import { withDryRun } from "../../ui/options/dry-run.ts";
import { withService } from "../../ui/options/service.ts";
import type { CommandContext } from "../context.ts";
import { parseTimeout } from "../garbage-collect/parse-flags.ts";
import { stateDirOption } from "../garbage-collect/run-commands.ts";
import type { ReconfigureFlags } from "./run.ts";

const MINUTE_MS = 60_000;

/** `registry-ctl reconfigure [config]`: makes the registry take its configuration, or leaves it as it is. */
export function reconfigureCommand(context: CommandContext): Command {
  const command = new Command("reconfigure")
    .argument("[config]", "path of the registry's config.yml (default: see registry-ctl --help)")
    .summary("make the registry take its configuration, and see that it is well with it")
    .description(
      "Checks the configuration, shows by which keys it differs from what the running server uses, writes what derives from " +
        "it and was asked for, makes the server take it without dropping a request, and waits until it is well. A server " +
        "that does not get well has its old settings back. What is wrong with the file changes nothing.",
    )
    .addOption(
      new Option(
        "--write <kinds>",
        `write what derives from the configuration: ${DERIVED_KINDS.join(", ")}, with commas between them`,
      ).argParser(parseKinds),
    )
    .option(
      "--prefix-dir <dir>",
      "folder that stands for / when files are written, to prepare an image or to look first",
    )
    .option("--nginx-certificate <file>", "certificate chain of the site (default: /etc/nginx/ssl/NAME.crt)")
    .option("--nginx-key <file>", "its private key (default: /etc/nginx/ssl/NAME.key)")
    .option(
      "--generate-keys",
      "make the pair of keys that auth.token needs, where its certificate is missing",
    )
    .addOption(
      new Option("--timeout <time>", "how long the registry may take to get well")
        .default(MINUTE_MS, "60s")
        .argParser(parseTimeout),
    )
    .addOption(stateDirOption())
    .option("-y, --yes", "do not ask");
  withControlSocket(withService(withDryRun(command, "say what would change; change nothing"))).addHelpText(
    "after",
    HELP,
  );
  return command.action(async (config: string | undefined) => {
    const { runReconfigure } = await import("./run.ts");
    await runReconfigure(context, config, command.optsWithGlobals<ReconfigureFlags>());
  });
}

function parseKinds(text: string): DerivedKind[] {
  return text.split(",").map((word) => {
    const kind = DERIVED_KINDS.find((each) => each === word.trim());
    if (kind === undefined) {
      throw new InvalidArgumentError(`${JSON.stringify(word)} is none of ${DERIVED_KINDS.join(", ")}.`);
    }
    return kind;
  });
}

const HELP = `
A key takes effect live, with new workers, or only when the server is stopped and started: each is told. The Go registry
reads its configuration only at its start: with --service it is restarted, and if it does not serve then, it is started with
the configuration with which this command last saw it serve. Nothing is made unasked: no pair of keys, no http.secret.
Of a file that --write replaces, and that this program has not made, a copy stays beside it as FILE.TIME.bak~.
Where GitLab's package writes the configuration, it writes nginx, cron and key files too: --write and --generate-keys are
refused there.

Examples:
  $ registry-ctl reconfigure --dry-run config.yml                      what would change?
  $ registry-ctl reconfigure config.yml                                change it
  $ registry-ctl reconfigure --yes --write systemd,nginx,cron config.yml
  $ registry-ctl reconfigure --write nginx --prefix-dir /tmp/look --yes config.yml
  $ registry-ctl reconfigure --service systemd:docker-registry /etc/docker/registry/config.yml

Exit codes: 0 done, also if there was nothing to change or nothing runs, 1 the registry was not well with it and has its old
configuration again, or a file could not be written, 2 wrong usage, or nobody to ask and no --yes, 10 configuration missing
or invalid, 12 the running server uses another file, or GitLab's package writes the files, 129/130/143 stopped by a signal.`;
