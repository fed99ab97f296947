import { readFileSync, realpathSync, statSync } from "node:fs";
import { readEnvFrom } from "../../config/env-from.ts";
import { keyValues } from "../../config/key-values.ts";
import { readConfig } from "../../config/read-config.ts";
import type { LoadedConfig } from "../../config/settings.ts";
import type { ChangedKey } from "../../control/protocol.ts";
import { RegistryCtlError } from "../../errors.ts";
import { createOwnedFile } from "../../lib/owned-file.ts";
import { replaceFile } from "../../process/files/replace-file.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { stateFoldersOf } from "../../process/state/find-state.ts";
import { prepareState } from "../../process/state/prepare-state.ts";
import { keepServedConfig, readServedConfig } from "../../state/served-config.ts";
import type { CommandContext } from "../context.ts";
import type { ReconfigureFlags } from "./run.ts";

/** What a service's registry was last seen to serve with. */
export interface EarlierConfig {
  /** Undefined: not known. */
  text: string | undefined;
  /** By which keys the file differs from it. */
  changed: ChangedKey[];
  /**
   * Puts it in the place of the file, which is kept beside it.
   *
   * @returns where; undefined if there is none, or it is the same
   */
  bringBack(): Promise<string | undefined>;
  /** Remembers what the file holds now. @returns why it could not */
  keep(): Promise<string | undefined>;
}

/** Looks for the configuration with which a registry was last seen to serve. */
export async function earlierConfig(
  context: CommandContext,
  loaded: LoadedConfig,
  path: string,
  flags: ReconfigureFlags,
): Promise<EarlierConfig> {
  const now = readFileSync(path, "utf8");
  const { storage } = loaded.settings;
  const user = await registryUserOf(loaded);
  const text = readServedConfig(stateFoldersOf(storage, flags.stateDir, user));
  const env = await readEnvFrom(flags.envFrom ?? [], context.env, { cwd: context.cwd });
  return {
    text,
    changed: text === undefined ? [] : changedKeys(text, now, env),
    async bringBack() {
      if (text === undefined || text === now) return undefined;
      const real = realpathSync(path);
      const kept = `${real}.${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "")}.rejected`;
      const { mode, uid, gid } = statSync(real);
      if (!createOwnedFile(kept, Buffer.from(now), { mode: mode & 0o777, owner: { uid, gid } })) {
        throw new RegistryCtlError("ERR_WRITE", `${kept} is there already`);
      }
      await replaceFile(path, text, { expected: now });
      return kept;
    },
    async keep() {
      const state = prepareState(storage, flags.stateDir, user);
      if (state.folder === undefined) return state.problem;
      keepServedConfig(state.folder, now);
      return undefined;
    },
  };
}

function changedKeys(
  before: string,
  after: string,
  env: Readonly<Record<string, string | undefined>>,
): ChangedKey[] {
  const [old, now] = [before, after].map(
    (text) => new Map(keyValues(readConfig(text, "config.yml", env)).map((value) => [value.key, value])),
  );
  if (old === undefined || now === undefined) return [];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((key): ChangedKey[] => {
    const [from, to] = [old.get(key), now.get(key)];
    if (from?.fingerprint === to?.fingerprint) return [];
    return [
      {
        key,
        ...(from === undefined ? {} : { from: from.shown }),
        ...(to === undefined ? {} : { to: to.shown }),
        applies: "restart",
      },
    ];
  });
}
