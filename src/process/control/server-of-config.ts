import { readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { LoadedConfig } from "../../config/settings.ts";
import { registryUserOf } from "../machine/registry-user.ts";
import { stateFoldersOf } from "../state/find-state.ts";
import { type FindServerFlags, type FoundServer, found, livingRecords } from "./find-server.ts";

/**
 * Finds the running server that was started with a configuration file, on whatever store: the file may name another one by
 * now. For looking at it and for telling it to read the file again; what acts on a store is to ask `findServer`.
 *
 * @returns undefined if there is none, or several
 */
export async function locateServerOfConfig(
  config: LoadedConfig,
  flags: FindServerFlags,
): Promise<FoundServer | undefined> {
  const { source, settings } = config;
  if (source.kind !== "file" || flags.controlSocket !== undefined) return undefined;
  const path = resolve(source.path);
  const folders = stateFoldersOf(settings.storage, flags.stateDir, await registryUserOf(config));
  const bases = [...new Set(folders.map((folder) => dirname(folder)))];
  const meant = livingRecords(bases.flatMap(foldersIn)).filter(({ configFile }) => configFile === path);
  const [record] = meant;
  if (record?.socket === undefined || meant.length > 1) return undefined;
  const server = await found(record.socket, record);
  const status = await server?.control.status().catch(() => undefined);
  return status?.configFile === path ? server : undefined;
}

function foldersIn(base: string): string[] {
  try {
    return readdirSync(base).map((name) => join(base, name));
  } catch {
    return [];
  }
}
