import type { Command } from "commander";

/** Adds `--service` and `--ctl-config`, which say what starts and stops the registry. */
export function withService(command: Command): Command {
  return command
    .option(
      "--service <spec>",
      "what runs the registry: systemd:UNIT, runit:NAME, or command:LINE, where {} is replaced by start, stop, restart or status (remembered)",
    )
    .option("--ctl-config <file>", "where that is remembered (default: /etc/registry-ctl/ctl.yml)");
}
