import type { LoadedConfig } from "../../config/settings.ts";
import { printable } from "../../lib/printable.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { prepareState } from "../../process/state/prepare-state.ts";
import { Deletions } from "../../state/deletions.ts";
import type { CommandContext, StorageFlags } from "../context.ts";

/**
 * Opens what is remembered of deletions that failed in the configured store. To be called before the store is opened, when
 * root becomes another user. What cannot be read or written of it is warned of.
 */
export async function openDeletions(
  context: CommandContext,
  config: LoadedConfig,
  flags: StorageFlags,
): Promise<Deletions> {
  const warn = (problem: string): void => void context.stderr.write(`warning: ${printable(problem)}\n`);
  const { storage } = config.settings;
  const state = prepareState(storage, flags.stateDir, await registryUserOf(config));
  if (state.folder === undefined && state.problem !== undefined) {
    warn(`there is no state folder (${state.problem}): deletions that fail are not remembered`);
  }
  return new Deletions({ folder: state.folder, onProblem: warn });
}
