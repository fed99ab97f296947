import { hashKindOf, nameForPeople } from "../../lib/htpasswd.ts";
import { readUsersFile } from "./users-file.ts";

/** One line of the file. */
export interface ListedUser {
  name: string;
  line: number;
  /** `bcrypt`, or what other kind of hash it looks like. */
  hash: string;
  /** Of bcrypt. */
  cost?: number;
  /** Why nobody can log in by this line; absent if somebody can. */
  problem?: string;
}

/** Who is in a file of users; with `--json` it is the document. Hashes stay out of it. */
export interface UserListReport {
  schemaVersion: 1;
  command: "users list";
  /** Absolute. */
  file: string;
  users: ListedUser[];
  /** Lines that are neither a user nor a comment. */
  brokenLines: number[];
}

/**
 * Lists users in the order of the file.
 *
 * @throws {RegistryCtlError} `ERR_USERS_FILE` if it cannot be read
 */
export function listUsers(path: string): UserListReport {
  const file = readUsersFile(path);
  const lastLines = new Map(file.entries.map(({ name, line }) => [name, line]));
  const users = file.entries.map(({ name, line, hash }): ListedUser => {
    const kind = hashKindOf(hash);
    const lastLine = lastLines.get(name);
    const problem =
      lastLine !== line
        ? `the name stands again in line ${lastLine}, which counts`
        : kind.kind === "other"
          ? "cannot log in: only bcrypt counts"
          : undefined;
    return {
      name: nameForPeople(name),
      line,
      hash: kind.kind === "bcrypt" ? "bcrypt" : kind.name,
      ...(kind.kind === "bcrypt" ? { cost: kind.cost } : {}),
      ...(problem === undefined ? {} : { problem }),
    };
  });
  return { schemaVersion: 1, command: "users list", file: path, users, brokenLines: [...file.brokenLines] };
}
