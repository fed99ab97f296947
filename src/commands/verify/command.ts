import { Command, InvalidArgumentError, Option } from "commander";
import { isRepositoryName } from "../../oci/reference.ts";
import { withControlSocket } from "../../ui/options/control-socket.ts";
import { withDryRun } from "../../ui/options/dry-run.ts";
import { withRegistry } from "../../ui/options/registry.ts";
import { withService } from "../../ui/options/service.ts";
import type { CommandContext } from "../context.ts";
import { parseConcurrency, parseTimeout } from "../garbage-collect/parse-flags.ts";
import { stateDirOption } from "../garbage-collect/run-commands.ts";
import { parseShare } from "../migrate/parse-flags.ts";
import { VERIFY_HELP } from "./help-text.ts";
import type { VerifyFlags } from "./verify-flags.ts";

/** `registry-ctl verify [config...]`: tells what of a registry cannot be pulled, compares it with another store, mends it. */
export function verifyCommand(context: CommandContext): Command {
  const command = new Command("verify")
    .argument(
      "[config...]",
      "path of the registry's config.yml (default: see registry-ctl --help); with --registry: repositories (default: all that it lists)",
    )
    .summary("find what cannot be pulled, compare with another store, repair")
    .description(
      "Looks at every repository, tag, link, manifest and blob of a store, and tells what a client could not pull: " +
        "missing blobs, links and manifests, wrong sizes, manifests whose bytes are damaged, links that are empty or " +
        "lead elsewhere or to nothing; each with the repositories and tags that it breaks. Garbage is no problem: it is counted only. " +
        "With --against it compares two stores file by file. Both change nothing and need no lock, so that they are safe " +
        "beside a running registry. With --registry it asks a registry over HTTP, of any kind, whether its tags can be pulled. With --repair it mends what it finds, as far as it is certain what is right.",
    )
    .addOption(
      new Option("--checksum [percent]", "read blobs and compare digests: all, or a share of them by chance")
        .preset("100%")
        .argParser(parseShare),
    )
    .option("--rotate", "with a share: take the blobs whose turn it is, so that 20 runs of 5% cover all")
    .option("--against <file>", "compare with the store that this configuration, or part of one, names")
    .option("--repair", "mend what is found; nothing that a pull may need is ever removed")
    .option(
      "--from <file|url>",
      "with --repair: fetch missing and damaged blobs from the store that a configuration names, or from a registry",
    )
    .option(
      "--auth-file <file>",
      "with --registry or --from https://…: credentials as docker login writes them (default: see CREDENTIALS in registry-ctl(1))",
    )
    .addOption(
      new Option("--repository <name>", "only this repository and those below it; may be repeated").argParser(
        (value: string, previous: string[] | undefined) => [...(previous ?? []), parseName(value)],
      ),
    )
    .option("--strict", "notices are problems too", false)
    .addOption(
      new Option(
        "--concurrency <n>",
        "files worked on at a time (default: 16, on an object store 64)",
      ).argParser(parseConcurrency),
    )
    .addOption(
      new Option(
        "--mode <mode>",
        "with --repair: what becomes of the registry meanwhile, read-only or offline; afterwards it is what it was (default: read-only for a registry-ctl server that runs)",
      ).choices(["read-only", "offline"]),
    )
    .addOption(
      new Option(
        "--timeout <time>",
        "with --mode, how long uploads under way may go on (default: 30s)",
      ).argParser(parseTimeout),
    )
    .option(
      "--key <file>",
      "private key that tokens are signed with, to ask a registry with auth.token whether it is read-only, or with --registry for everything",
    )
    .option("-y, --yes", "with --repair: do not ask")
    .addOption(stateDirOption());
  withRegistry(
    command,
    "look at the registry at this address, over HTTP: manifests are hashed, blobs asked for",
    {
      except: ["auth-file", "key"],
    },
  );
  withDryRun(command, "with --repair: say what would be done, and why; change nothing");
  withControlSocket(withService(command)).addHelpText("after", VERIFY_HELP);
  return command.action(async (args: string[]) => {
    const { run } = await import("./run.ts");
    await run(context, args, command.optsWithGlobals<VerifyFlags>());
  });
}

function parseName(text: string): string {
  if (!isRepositoryName(text)) throw new InvalidArgumentError("It is not a name of a repository.");
  return text;
}
