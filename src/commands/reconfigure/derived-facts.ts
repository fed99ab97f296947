import { statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, resolve } from "node:path";
import type { LoadedConfig } from "../../config/settings.ts";
import type { DerivedFacts } from "../../operations/reconfigure/derived-files.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { currentUserId } from "../../process/machine/run-process.ts";
import { namesOf } from "../../process/machine/user-names.ts";
import { ownProgram } from "../../process/own-program.ts";
import { SERVER_LOG } from "../../process/service/launch-server.ts";
import { DEFAULT_ADDR } from "../../process/workers/listen-address.ts";
import { chooseStateFolder } from "../../state/state-folder.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import type { CommandContext } from "../context.ts";
import { inRoot, lastingSources } from "../cron/in-root.ts";
import { rootFolder } from "../cron/places.ts";
import type { ReconfigureFlags } from "./run.ts";

/** Collects what the derived files are made of. */
export async function derivedFacts(
  context: CommandContext,
  loaded: LoadedConfig,
  path: string,
  flags: ReconfigureFlags,
): Promise<DerivedFacts> {
  const { settings } = loaded;
  const root = rootFolder(flags, context.cwd);
  const owner = await ownerOf(loaded);
  const stateDir = flags.stateDir === undefined ? undefined : resolve(context.cwd, flags.stateDir);
  const stateFolder = chooseStateFolder({
    stateDir,
    storeLocation: storeIdentity(settings.storage),
    user: { uid: currentUserId(), home: homedir(), env: context.env },
  });
  const certificate = flags.nginxCertificate && resolve(context.cwd, flags.nginxCertificate);
  const key = flags.nginxKey && resolve(context.cwd, flags.nginxKey);
  const names = owner === undefined ? { user: undefined, group: undefined } : namesOf(owner);
  return {
    root,
    site: {
      http: settings.http,
      defaultAddr: DEFAULT_ADDR,
      ...(certificate ? { certificate } : {}),
      ...(key ? { key } : {}),
    },
    unit: {
      settings,
      program: ownProgram(),
      config: inRoot(path, root),
      user: owner,
      stateName: basename(stateFolder),
      stateDir: stateDir && inRoot(stateDir, root),
      // What is written down only in a unit or a crontab needs it.
      envFrom:
        flags.write === undefined ? [] : lastingSources(flags.envFrom ?? [], { cwd: context.cwd, root }),
    },
    log: { stateFolder, name: SERVER_LOG, owner },
    names,
  };
}

/** The user as whom the registry is to run; undefined: root, or whoever runs this. */
async function ownerOf(loaded: LoadedConfig): Promise<{ uid: number; gid: number } | undefined> {
  const { storage } = loaded.settings;
  if (storage.driver !== "filesystem") return (await registryUserOf(loaded))?.owner;
  for (let folder = resolve(storage.rootDirectory); folder !== dirname(folder); folder = dirname(folder)) {
    const info = statSync(folder, { throwIfNoEntry: false });
    if (info !== undefined) return info.uid === 0 ? undefined : { uid: info.uid, gid: info.gid };
  }
  return undefined;
}
