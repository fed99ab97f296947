import { prepareRegistryState, registryStateFolder } from "../../process/state/registry-state.ts";
import { CleanupMemory } from "../../state/cleanup-memory.ts";
import type { CommandContext } from "../context.ts";
import type { OpenedTagSource, TagSourceFlags } from "../tags/open-tag-source.ts";

/** What is remembered of runs of policies, and the folder in which that is. */
export interface OpenedMemory {
  memory: CleanupMemory;
  folder: string | undefined;
}

/**
 * Reads what is remembered of earlier runs of policies on a store, or on a registry that is spoken to over HTTP.
 *
 * @param isChange - a folder that is not there is made
 */
export function openMemory(
  context: CommandContext,
  opened: OpenedTagSource,
  flags: TagSourceFlags,
  isChange: boolean,
): OpenedMemory {
  const onProblem = (text: string): void => void context.stderr.write(`warning: ${text}\n`);
  const folder =
    flags.registry === undefined ? opened.stateFolder : overHttp(opened, flags, isChange, onProblem);
  return { memory: new CleanupMemory({ folder, onProblem }), folder };
}

function overHttp(
  { source }: OpenedTagSource,
  { stateDir }: TagSourceFlags,
  isChange: boolean,
  onProblem: (text: string) => void,
): string | undefined {
  if (!isChange) return registryStateFolder(source.location, stateDir);
  const state = prepareRegistryState(source.location, stateDir);
  if (state.folder === undefined)
    onProblem(`there is no state folder (${state.problem}): nothing is remembered of this run`);
  return state.folder;
}
