import type { Command } from "commander";
import { UsageError } from "../../errors.ts";

/**
 * A command that does something by itself and has commands below it takes its own options also behind their names.
 *
 * @param command - one of those below
 * @throws {UsageError} if an option was given that only the command above has, and that would not count
 */
export function refuseParentOptions(command: Command): void {
  const { parent } = command;
  const own = new Set(command.options.map((option) => option.attributeName()));
  const wrong = parent?.options.find((option) => {
    const name = option.attributeName();
    return !own.has(name) && parent.getOptionValueSource(name) === "cli";
  });
  if (!wrong) return;
  throw new UsageError(`${command.name()} takes no ${wrong.long ?? wrong.flags}`, {
    hint: `see registry-ctl ${parent?.name()} ${command.name()} --help; a configuration file of this name is given as ./${command.name()}`,
  });
}
