import { Command, InvalidArgumentError, Option } from "commander";
import { withDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import type { CheckFlags } from "./run-check.ts";
import type { GenerateFlags } from "./run-generate.ts";

/** `keys generate`, `keys show` and `keys check`. */
export function keysCommand(context: CommandContext): Command {
  const keys = new Command("keys").summary("make and check the key pair that GitLab signs tokens with");
  keys.description(
    "Makes, shows and checks the key that GitLab signs tokens with and the certificate by which a registry knows " +
      "it. GitLab needs the private key; the registry needs the certificate only.",
  );
  keys.addHelpText("after", KEYS_HELP);
  return keys
    .addCommand(generateCommand(context, keys))
    .addCommand(showCommand(context, keys))
    .addCommand(checkCommand(context, keys));
}

function generateCommand(context: CommandContext, parent: Command): Command {
  const command = new Command("generate")
    .copyInheritedSettings(parent)
    .summary("make a key and its certificate, as GitLab's packages do")
    .description(
      "Makes an RSA key of 4096 bits, which only its owner may read, and a certificate that it has signed itself, as " +
        "GitLab's packages do. Both files come into being or none; what is there is never overwritten unasked.",
    )
    .option("--key <file>", "where the private key goes, for GitLab", "gitlab-registry.key")
    .option("--certificate <file>", "where the certificate goes, for the registry", "gitlab-registry.crt")
    .option("--add-to <bundle>", "put the certificate beside those in this file too, for a change of keys")
    .addOption(
      new Option("--days <n>", "how long the certificate is valid").default(3650).argParser(parseDays),
    )
    .addOption(
      new Option(
        "--issuer <name>",
        'auth.token.issuer, for the certificate\'s name and the advice (default: "Registry" and "omnibus-gitlab-issuer")',
      ).argParser(parseIssuer),
    )
    .option("-f, --force", "replace files that are there; the old ones are kept beside them", false)
    .addHelpText("after", GENERATE_HELP)
    .action(async (_flags: unknown, self: Command) =>
      (await import("./run-generate.ts")).runGenerate(context, self.optsWithGlobals<GenerateFlags>()),
    );
  return withDryRun(command, "say what would be written, write nothing");
}

function showCommand(context: CommandContext, parent: Command): Command {
  return new Command("show")
    .copyInheritedSettings(parent)
    .argument("<file...>", "keys, certificates or bundles in PEM form")
    .summary("tell what is in a key, a certificate or a bundle")
    .description(
      "Tells of every certificate its subject, its dates and its key, and of every key its algorithm and the names " +
        "that tokens call it by. Of private keys nothing but their public half is told.",
    )
    .addHelpText("after", SHOW_HELP)
    .action(async (files: string[], _flags: unknown, self: Command) =>
      (await import("./run-show.ts")).runShow(context, files, self.optsWithGlobals<GlobalFlags>()),
    );
}

function checkCommand(context: CommandContext, parent: Command): Command {
  return new Command("check")
    .copyInheritedSettings(parent)
    .argument("[config]", "path of the registry's config.yml (default: see registry-ctl --help)")
    .summary("prove that GitLab's key and the registry's certificates fit together")
    .description(
      "Signs a token as GitLab does and checks it as the registry does, with the certificates, the issuer and the " +
        "service of config.yml. Warns of certificates that expire and of files that others may read. Changes nothing.",
    )
    .option("--key <file>", "the private key that GitLab signs with")
    .option(
      "--gitlab-yml <file>",
      "GitLab's gitlab.yml: for its issuer, and for the key if --key is not given",
    )
    .addHelpText("after", CHECK_HELP)
    .action(async (configPath: string | undefined, _flags: unknown, self: Command) =>
      (await import("./run-check.ts")).runCheck(context, configPath, self.optsWithGlobals<CheckFlags>()),
    );
}

const KEYS_HELP = `
Examples:
  $ registry-ctl keys generate --dry-run                           see what would be written
  $ registry-ctl keys check config.yml --key gitlab-registry.key   does it fit?

The help of each command has its exit codes.`;

const GENERATE_HELP = `
A key is changed without downtime in this order: the registry gets a bundle with both certificates, then GitLab gets the
new key, and once the last old token has expired the old certificate goes. --add-to makes that bundle.

Examples:
  $ registry-ctl keys generate --dry-run                       see what would be written
  $ registry-ctl keys generate                                 a first pair
  $ registry-ctl keys generate --issuer gitlab-issuer          as GitLab's Helm chart names it
  $ registry-ctl keys generate --key new.key --certificate new.crt --add-to gitlab-registry.crt

Exit codes: 0 done, 1 a file cannot be written or the bundle is damaged, 2 wrong usage, a file is there already or is a
link, 129/130/143 stopped by a signal.`;

const SHOW_HELP = `
Examples:
  $ registry-ctl keys show /var/opt/gitlab/registry/gitlab-registry.crt
  $ registry-ctl keys show --json gitlab-registry.key gitlab-registry.crt

Exit codes: 0 done, 1 a file cannot be read or is not what it should be, 2 wrong usage.`;

const CHECK_HELP = `
On a host with both, GitLab's rendered gitlab.yml names key and issuer. Where the paths in config.yml are those of a
container, say where the files are here: REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE=./certbundle registry-ctl keys check ...

Examples:
  $ registry-ctl keys check config.yml --key gitlab-registry.key
  $ registry-ctl keys check /var/opt/gitlab/registry/config.yml \\
      --gitlab-yml /var/opt/gitlab/gitlab-rails/etc/gitlab.yml
  $ registry-ctl keys check --json config.yml --key gitlab-registry.key

Exit codes: 0 they fit, there may be warnings, 1 a file cannot be read, 2 wrong usage, 4 they do not fit, 10 the
configuration is missing, invalid or without auth.token.`;

/** More years than any key should serve. */
const MAX_DAYS = 36_500;
/** The longest common name that a certificate may have. */
const MAX_NAME_CHARS = 64;

function parseDays(text: string): number {
  const days = Number(text);
  if (!/^\d{1,5}$/.test(text) || days < 1 || days > MAX_DAYS) {
    throw new InvalidArgumentError(`It is a number of days from 1 to ${MAX_DAYS}.`);
  }
  return days;
}

function parseIssuer(text: string): string {
  if (text.trim() === "" || text.length > MAX_NAME_CHARS || /\p{C}/u.test(text)) {
    throw new InvalidArgumentError(`It is a name of 1 to ${MAX_NAME_CHARS} printable characters.`);
  }
  return text;
}
