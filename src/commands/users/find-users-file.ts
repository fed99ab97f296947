import { resolve } from "node:path";
import { ConfigError, UsageError } from "../../errors.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";

/** Options of every `users` command. */
export interface UsersFlags extends GlobalFlags {
  /** `--file`. */
  file?: string;
}

/** Where users are. */
export interface UsersFile {
  /** Absolute. */
  path: string;
  /** Whose it is to be if it has to be made: who the registry runs as, where root makes it. */
  newOwner: { uid: number; gid: number } | undefined;
}

/**
 * Finds the htpasswd file: `--file`, else what the configuration names.
 *
 * @throws {ConfigError} if the configuration has no `auth.htpasswd`
 */
export async function findUsersFile(
  context: CommandContext,
  argument: string | undefined,
  flags: UsersFlags,
  { changes, destructive = false }: { changes: boolean; destructive?: boolean },
): Promise<UsersFile> {
  if (changes && flags.readOnlyStore) {
    throw new UsageError("--read-only-store is given, and this would change the users", {
      hint: "try --dry-run",
    });
  }
  if (flags.file !== undefined) {
    if (argument !== undefined) {
      throw new UsageError(`a configuration (${argument}) and --file are given`, {
        hint: "give one of them",
      });
    }
    return { path: resolve(context.cwd, flags.file), newOwner: undefined };
  }
  const config = await context.loadConfig({ argument, flags, destructive });
  const { auth, storage } = config.settings;
  if (auth?.kind !== "htpasswd") {
    const shown = config.source.kind === "file" ? config.source.path : "the embedded default";
    const has = auth === undefined ? "no auth" : `auth.${auth.kind}`;
    throw new ConfigError(`${shown} has ${has}, not auth.htpasswd, whose path would be the file of users`, {
      hint: "name the registry's configuration, or the htpasswd file itself with --file",
    });
  }
  const path = resolve(context.cwd, auth.path);
  context.notice(`users:  ${path}`, flags);
  const { ownerToSwitchTo } = await import("../../process/machine/switch-user.ts");
  const newOwner =
    storage.driver === "filesystem" ? ownerToSwitchTo(resolve(storage.rootDirectory)) : undefined;
  return { path, newOwner };
}
