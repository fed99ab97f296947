import { storeName } from "../../config/store-name.ts";
import { printable } from "../../lib/printable.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { stateFoldersOf } from "../../process/state/find-state.ts";
import { type PreparedState, prepareState } from "../../process/state/prepare-state.ts";
import { prepareRegistryState, registryStateFolder } from "../../process/state/registry-state.ts";
import { Deletions } from "../../state/deletions.ts";
import type { CommandContext, StorageFlags } from "../context.ts";
import { openRegistry } from "../over-http/open-registry.ts";
import { type RegistryFlags, refuseWithoutRegistry } from "../over-http/registry-flags.ts";

/**
 * @param stateFolder - of the store, as `prepareState` has made it; undefined: nothing can be remembered
 * @returns what is remembered of deletions that failed; what cannot be read or written of it is warned of
 */
export function deletionsIn(context: CommandContext, stateFolder: string | undefined): Deletions {
  const onProblem = (problem: string): void => void context.stderr.write(`warning: ${printable(problem)}\n`);
  return new Deletions({ folder: stateFolder, onProblem });
}

/** What the command line of `deletions` says of where deletions failed. */
export type DeletionsFlags = StorageFlags & RegistryFlags;

/**
 * Opens what is remembered of deletions that failed in the configured store, or at the registry that `--registry` names, without
 * opening that.
 *
 * @param access - `look`: nothing is written, so that no state folder is made. `change`: it is said in the journal of commands
 */
export async function openDeletions(
  context: CommandContext,
  flags: DeletionsFlags,
  access: "look" | "change",
): Promise<Deletions> {
  const isChange = access === "change";
  if (flags.registry !== undefined) {
    const { name } = await openRegistry(context, flags.registry, flags);
    if (!isChange) return deletionsIn(context, registryStateFolder(name, flags.stateDir));
    await context.recordChange({ target: name });
    return prepared(context, prepareRegistryState(name, flags.stateDir));
  }
  refuseWithoutRegistry(flags);
  const config = await context.loadConfig({ flags, destructive: isChange });
  const { storage } = config.settings;
  const user = await registryUserOf(config);
  if (!isChange) return deletionsIn(context, stateFoldersOf(storage, flags.stateDir, user)[0]);
  await context.recordChange({ target: storeName(storage) });
  return prepared(context, prepareState(storage, flags.stateDir, user));
}

function prepared(context: CommandContext, state: PreparedState): Deletions {
  if (state.folder === undefined && state.problem !== undefined)
    context.stderr.write(`warning: ${printable(`there is no state folder: ${state.problem}`)}\n`);
  return deletionsIn(context, state.folder);
}
