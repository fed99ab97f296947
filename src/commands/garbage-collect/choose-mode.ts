import type { LoadedConfig } from "../../config/settings.ts";
import type { Control } from "../../control/protocol.ts";
import { RegistryStateError, UsageError } from "../../errors.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CollectionMode, GarbageFlags } from "./garbage-flags.ts";

/**
 * Our running server, if there is one. To be called before root becomes another user.
 *
 * @throws {RegistryStateError} if there is one that this user may not ask; a dry run does without
 */
export async function findOurServer(config: LoadedConfig, flags: GarbageFlags): Promise<Control | undefined> {
  const { findServer } = await import("../../process/control/find-server.ts");
  try {
    return await findServer(config, flags);
  } catch (error) {
    if (isDryRun(flags) || flags.d) return undefined;
    throw error;
  }
}

/** @throws {UsageError} if options contradict each other */
export function refuseFlags(flags: GarbageFlags): void {
  const { mode, force, timeout, readOnlyStore } = flags;
  if (readOnlyStore && mode !== undefined && !isDryRun(flags) && !flags.d) {
    throw new UsageError(`--read-only-store removes nothing, so that --mode ${mode} is of no use`, {
      hint: "give --dry-run to see what would go",
    });
  }
  if (force && mode !== undefined) {
    throw new UsageError(`--force is of no use with --mode ${mode}, which brings its own proof`, {
      hint: "leave out one of them",
    });
  }
  if (timeout !== undefined && (mode === undefined || mode === "online")) {
    throw new UsageError("--timeout is for --mode read-only and --mode offline");
  }
}

/**
 * @returns what becomes of the registry; undefined: it is left as it is, and must be stopped or read-only
 * @throws {RegistryStateError} if it must be online and no server of ours runs
 */
export function chooseMode(flags: GarbageFlags, server: Control | undefined): CollectionMode | undefined {
  const { mode, readOnlyStore } = flags;
  if (mode === "online" && server === undefined) {
    throw new RegistryStateError("--mode online needs a registry-ctl server that runs, and none was found", {
      hint: "start it; beside another registry use --mode read-only or --mode offline, with --service",
    });
  }
  if (mode !== undefined) return mode;
  // Nothing is to be written: let the driver say so.
  return server === undefined || readOnlyStore ? undefined : "online";
}
