import type { Command } from "commander";

/** Adds `--registry` and all that says how a registry is spoken to over HTTP; read them with `openRegistry`. */
export function withRegistry(
  command: Command,
  effect: string,
  { except = [] }: { except?: readonly ("key" | "auth-file")[] } = {},
): Command {
  command.option("--registry <url>", effect);
  if (!except.includes("auth-file")) {
    command.option(
      "--auth-file <file>",
      "with --registry: credentials as docker login writes them (default: see CREDENTIALS in registry-ctl(1))",
    );
  }
  command.option(
    "--ca <file>",
    "with --registry: certificates that count beside those that everybody trusts",
  );
  if (!except.includes("key")) {
    command.option(
      "--key <file>",
      "with --registry: private key that tokens are signed with, for whoever has the token service's",
    );
  }
  return command
    .option("--issuer <name>", "with --registry and --key: whose tokens these are, as auth.token.issuer says")
    .option(
      "--audience <name>",
      "with --registry and --key: whom they are for (default: the service that the registry names)",
    );
}
