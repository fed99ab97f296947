import type { LoadedConfig, StorageSettings } from "../../config/settings.ts";
import { printable } from "../../lib/printable.ts";
import { KeptRotation } from "../../operations/verify/rotation/kept-rotation.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { prepareState } from "../../process/state/prepare-state.ts";
import type { CommandContext } from "../context.ts";
import type { VerifyFlags } from "./verify-flags.ts";

/**
 * Reads whose turn it is to be hashed. To be called before the store is opened, when root becomes another user.
 *
 * @param storage - the store whose blobs are hashed
 * @returns undefined if that was not asked for, or can not be remembered: then chance decides
 */
export async function openRotation(
  context: CommandContext,
  config: LoadedConfig,
  storage: StorageSettings,
  flags: VerifyFlags,
  percent: number | undefined,
): Promise<KeptRotation | undefined> {
  if (!flags.rotate || percent === undefined) return undefined;
  const warn = (text: string): void => void context.stderr.write(`warning: ${printable(text)}\n`);
  const state = prepareState(storage, flags.stateDir, await registryUserOf(config));
  if (state.folder === undefined) {
    const why = state.problem ?? "a store in memory has none";
    warn(`there is no state folder (${why}), so that nobody remembers whose turn it is: chance decides`);
    return undefined;
  }
  return new KeptRotation(percent, { folder: state.folder, nowMs: Date.now(), onProblem: warn });
}
