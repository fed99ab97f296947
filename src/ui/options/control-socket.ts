import type { Command } from "commander";

/** Adds `--control-socket`, which says where our running server is spoken to. */
export function withControlSocket(command: Command): Command {
  return command.option(
    "--control-socket <file>",
    "the running server's control socket (default: found by the store and the address)",
  );
}
