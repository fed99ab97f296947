import { Command, InvalidArgumentError, Option } from "commander";
import { isRepositoryName } from "../../oci/reference.ts";
import type { CommandContext } from "../context.ts";
import type { VerifyFlags } from "./run.ts";

/** `registry-ctl verify [config]`: tells what of a registry cannot be pulled. */
export function verifyCommand(context: CommandContext): Command {
  const command = new Command("verify")
    .argument("[config]", "path of the registry's config.yml (default: see registry-ctl --help)")
    .summary("find what cannot be pulled")
    .description(
      "Looks at every repository, tag, link, manifest and blob of a store, and tells what a client could not pull: " +
        "missing blobs, links and manifests, wrong sizes, manifests whose bytes are damaged, links that are empty or " +
        "lead elsewhere or to nothing; each with the repositories and tags that it breaks. It changes nothing and needs no lock, so " +
        "that it is safe beside a running registry. Garbage is no problem: it is counted only.",
    )
    .addOption(
      new Option("--checksum [percent]", "read blobs and compare digests: all, or a share of them by chance")
        .preset("100%")
        .argParser(parseShare),
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
    .addHelpText("after", HELP);
  return command.action(async (configPath: string | undefined) => {
    const { run } = await import("./run.ts");
    await run(context, configPath, command.optsWithGlobals<VerifyFlags>());
  });
}

const HELP = `
Manifests are always hashed; blobs with --checksum only. A share such as --checksum=5% takes other blobs each time.
A layer link that leads to nothing is wrong even where no manifest needs it, as a push may take its blob for stored;
the Go registry's garbage collection leaves such links, garbage-collect removes them. What only deserves notice
(tag-history links to deleted manifests, tags that a delete or a killed push left without a link, unknown files, a
store with nothing in it) does not count as wrong, except with --strict.
With a metadata database the links in storage are not all there is: then the best outcome is exit code 3.

Examples:
  $ registry-ctl verify config.yml                              can everything be pulled?
  $ registry-ctl verify --checksum=5% --json config.yml         for a nightly job
  $ registry-ctl verify --strict config.yml                     is there anything odd at all?
  $ registry-ctl verify --repository group/project config.yml   one project, with what it needs

Exit codes: 0 everything can be pulled, 1 no such repository, 2 wrong usage, 3 nothing is wrong but something could not
be looked at, 4 something is wrong, 10 configuration missing or invalid, 11 store unreachable or denied,
129/130/143 stopped by a signal.`;

function parseName(text: string): string {
  if (!isRepositoryName(text)) throw new InvalidArgumentError("It is not a name of a repository.");
  return text;
}

/** @returns per cent, from `5%` or `5`; what cannot be meant as one, which is the argument behind a bare `--checksum` */
function parseShare(text: string): number | string {
  if (!/^[\d.]+$|%$/.test(text)) return text;
  const percent = Number(text.replace(/%$/, ""));
  if (!/^\d+(\.\d+)?%?$/.test(text) || percent <= 0 || percent > 100) {
    throw new InvalidArgumentError(
      "It is a number of per cent above 0% and up to 100%, such as --checksum=5%.",
    );
  }
  return percent;
}

function parseConcurrency(text: string): number {
  const count = Number(text);
  if (!/^\d{1,4}$/.test(text) || count < 1) throw new InvalidArgumentError("It is a number from 1 to 9999.");
  return count;
}
