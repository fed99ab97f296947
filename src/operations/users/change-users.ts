import { RegistryCtlError } from "../../errors.ts";
import { hashPassword } from "../../lib/bcrypt-password.ts";
import { type HtpasswdFile, nameInFile } from "../../lib/htpasswd.ts";
import { changeUsersFile, readUsersFile, readUsersFileIfAny, type UsersFileOptions } from "./users-file.ts";

/** What is done to a user. */
export type UserVerb = "add" | "passwd" | "remove";

/** What came of a change; with `--json` it is the document. */
export interface UserChangeReport {
  schemaVersion: 1;
  command: `users ${UserVerb}`;
  /** Absolute. */
  file: string;
  user: string;
  dryRun: boolean;
  /** There was no such file before. */
  createdFile: boolean;
  /** The file could not be replaced as a whole, and was written where it is. */
  writtenInPlace: boolean;
  /** Nobody can log in any more. */
  lastUser: boolean;
  /** Of the new hash. */
  cost?: number;
  /** Only one that was made here, and that nobody knows otherwise. */
  password?: string;
}

/** A new password. */
export interface NewPassword {
  password: string;
  cost: number;
  /** It was made at random, so that it has to be told. */
  isGenerated: boolean;
}

/** A file of users and one user of it. */
export interface UserOptions extends UsersFileOptions {
  /** Absolute. */
  path: string;
  user: string;
  dryRun: boolean;
}

/**
 * Sees whether a change can be made, before anybody is asked for a password.
 *
 * @throws {RegistryCtlError} `ERR_USER_EXISTS`, `ERR_USER_UNKNOWN`, `ERR_USERS_FILE`
 */
export function checkUserChange(verb: UserVerb, { path, user }: Pick<UserOptions, "path" | "user">): void {
  const file = verb === "add" ? readUsersFileIfAny(path) : readUsersFile(path);
  requireFor(verb, file, { path, user });
}

/**
 * Adds a user or gives one another password.
 *
 * @throws {RegistryCtlError} as {@link checkUserChange}, and if the file cannot be written
 */
export async function setPassword(
  verb: "add" | "passwd",
  options: UserOptions,
  { password, cost, isGenerated }: NewPassword,
): Promise<UserChangeReport> {
  if (options.dryRun) return dryRun(verb, options);
  // Before the file is locked: it takes long.
  const hash = await hashPassword(password, cost);
  const change = (file: HtpasswdFile): HtpasswdFile => {
    requireFor(verb, file, options);
    return file.withUser(nameInFile(options.user), hash);
  };
  const { isNew, inPlace } = await changeUsersFile(options.path, change, options);
  return {
    ...reportOf(verb, options),
    createdFile: isNew,
    writtenInPlace: inPlace,
    cost,
    ...(isGenerated ? { password } : {}),
  };
}

/**
 * Removes every line of a user.
 *
 * @throws {RegistryCtlError} as {@link checkUserChange}, and if the file cannot be written
 */
export async function removeUser(options: UserOptions): Promise<UserChangeReport> {
  if (options.dryRun) return dryRun("remove", options);
  let lastUser = false;
  const change = (file: HtpasswdFile): HtpasswdFile => {
    requireFor("remove", file, options);
    const rest = file.withoutUser(nameInFile(options.user));
    lastUser = rest.entries.length === 0;
    return rest;
  };
  const { inPlace } = await changeUsersFile(options.path, change, options);
  return { ...reportOf("remove", options), writtenInPlace: inPlace, lastUser };
}

function dryRun(verb: UserVerb, options: UserOptions): UserChangeReport {
  checkUserChange(verb, options);
  const file = readUsersFileIfAny(options.path);
  const lastUser = verb === "remove" && file.withoutUser(nameInFile(options.user)).entries.length === 0;
  return { ...reportOf(verb, options), lastUser };
}

function reportOf(verb: UserVerb, { path, user, dryRun }: UserOptions): UserChangeReport {
  return {
    schemaVersion: 1,
    command: `users ${verb}`,
    file: path,
    user,
    dryRun,
    createdFile: false,
    writtenInPlace: false,
    lastUser: false,
  };
}

function requireFor(
  verb: UserVerb,
  file: HtpasswdFile,
  { path, user }: Pick<UserOptions, "path" | "user">,
): void {
  const isThere = file.has(nameInFile(user));
  if (verb === "add" && isThere) {
    throw new RegistryCtlError("ERR_USER_EXISTS", `${path} has a user ${user} already`, {
      hint: `give another password with: registry-ctl users passwd ${user}`,
    });
  }
  if (verb !== "add" && !isThere) {
    throw new RegistryCtlError("ERR_USER_UNKNOWN", `${path} has no user ${user}`, {
      hint: "see registry-ctl users list",
    });
  }
}
