import type { LoadedConfig } from "../../config/settings.ts";
import { printable } from "../../lib/printable.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { stateFoldersOf } from "../../process/state/find-state.ts";
import { prepareState } from "../../process/state/prepare-state.ts";
import { Deletions } from "../../state/deletions.ts";
import type { CommandContext, StorageFlags } from "../context.ts";

/**
 * @param stateFolder - of the store, as `prepareState` has made it; undefined: nothing can be remembered
 * @returns what is remembered of deletions that failed; what cannot be read or written of it is warned of
 */
export function deletionsIn(context: CommandContext, stateFolder: string | undefined): Deletions {
  const onProblem = (problem: string): void => void context.stderr.write(`warning: ${printable(problem)}\n`);
  return new Deletions({ folder: stateFolder, onProblem });
}

/**
 * Opens what is remembered of deletions that failed in the configured store, without opening that.
 *
 * @param access - `look`: nothing is written, so that no state folder is made
 */
export async function openDeletions(
  context: CommandContext,
  config: LoadedConfig,
  flags: StorageFlags,
  access: "look" | "change",
): Promise<Deletions> {
  const { storage } = config.settings;
  const user = await registryUserOf(config);
  if (access === "look") return deletionsIn(context, stateFoldersOf(storage, flags.stateDir, user)[0]);
  const state = prepareState(storage, flags.stateDir, user);
  if (state.folder === undefined && state.problem !== undefined)
    context.stderr.write(`warning: ${printable(`there is no state folder: ${state.problem}`)}\n`);
  return deletionsIn(context, state.folder);
}
