import { homedir } from "node:os";
import { resolve } from "node:path";
import type { LoadedConfig, StorageSettings } from "../../config/settings.ts";
import { currentUserId } from "../../process/machine/run-process.ts";
import { Migrations } from "../../state/migrations.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { CommandContext, StorageFlags } from "../context.ts";

/**
 * Opens the registry's own store for reading. Root stays root, since it is to change the configuration and to start the registry
 * again later: what it writes at the other side gets the owner of the folder that it is written to.
 */
export function openSource(
  context: CommandContext,
  config: LoadedConfig,
  flags: StorageFlags,
  options: { dryRun?: boolean } = {},
): Promise<StorageDriver> {
  const { storage } = config.settings;
  const reading = { ...flags, readOnlyStore: true };
  // What openStorage makes beside a bucket, a dry run leaves alone.
  const isLooking = options.dryRun === true && (flags.envFrom ?? []).length === 0;
  if (storage.driver === "filesystem" || isLooking) return context.openTarget(storage, reading);
  return context.openStorage(config, { ...reading, keepUser: true });
}

/** Opens a store of a move for reading and writing. */
export function openOther(
  context: CommandContext,
  storage: StorageSettings,
  flags: StorageFlags,
): Promise<StorageDriver> {
  return context.openTarget(storage, flags);
}

/** @returns what this user remembers of moves */
export function openMigrations(context: CommandContext, stateDir: string | undefined): Migrations {
  return new Migrations({
    stateDir: stateDir === undefined ? undefined : resolve(context.cwd, stateDir),
    user: { uid: currentUserId(), home: homedir(), env: context.env },
  });
}
