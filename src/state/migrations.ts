import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RegistryCtlError } from "../errors.ts";
import { messageOf } from "../lib/message-of.ts";
import { syncFolder, writeBeside } from "../lib/owned-file.ts";
import { errorCodeOf } from "../lib/system-error.ts";
import { type MigrationRecord, parseMigration } from "./migration-record.ts";
import { makeStateFolder, type StateUser, stateBaseFolder } from "./state-folder.ts";

const FOLDER = "migrations";
const RECORD = "migration.json";
const SPOOL = "spool";
const TIMES = "times";

/** Where moves are remembered, and for whom. */
export interface MigrationsOptions {
  /** `--state-dir`, absolute; undefined: where this user keeps state. */
  stateDir?: string | undefined;
  user: StateUser;
  /** Instead of `/var/lib/registry-ctl`. */
  systemFolder?: string;
}

/** @returns by what a move between two stores is known, whatever they are called at the time */
export function migrationId(sourceIdentity: string, targetIdentity: string): string {
  return createHash("sha256").update(`${sourceIdentity}\n${targetIdentity}`).digest("hex").slice(0, 16);
}

/**
 * The moves of one user's registries. They stand apart from the stores' own state, since they outlive the change from one store to
 * the other, and hold the keys of both: for their owner alone.
 */
export class Migrations {
  /** Absolute path. It need not exist. */
  readonly folder: string;
  readonly #uid: number;

  constructor({ stateDir, user, systemFolder }: MigrationsOptions) {
    this.folder = join(stateBaseFolder(stateDir, user, systemFolder), FOLDER);
    this.#uid = user.uid;
  }

  /** @returns undefined if there is no such move, or this user has not written it */
  read(id: string): MigrationRecord | undefined {
    const file = join(this.folder, id, RECORD);
    const info = lstatSync(file, { throwIfNoEntry: false });
    if (!info?.isFile() || info.uid !== this.#uid || (info.mode & 0o077) !== 0) return undefined;
    try {
      return parseMigration(JSON.parse(readFileSync(file, "utf8")));
    } catch {
      return undefined;
    }
  }

  /** @returns all moves, the one that was changed last first */
  list(): MigrationRecord[] {
    return namesIn(this.folder)
      .flatMap((id) => this.read(id) ?? [])
      .sort((left, right) => (left.changedAt < right.changedAt ? 1 : -1));
  }

  /** @returns the moves from or to a store, the one that was changed last first */
  about(identity: string): MigrationRecord[] {
    return this.list().filter(
      ({ source, target }) => source.identity === identity || target.identity === identity,
    );
  }

  /**
   * Remembers how far a move is. What is resolved is on the disk.
   *
   * @throws {RegistryCtlError} `ERR_WRITE`
   */
  write(record: MigrationRecord): void {
    const folder = join(this.folder, record.id);
    try {
      makeStateFolder(this.folder, this.#uid, undefined);
      makeStateFolder(folder, this.#uid, undefined);
      const file = join(folder, RECORD);
      const temporary = writeBeside(file, `${JSON.stringify(record)}\n`, { mode: 0o600 });
      try {
        renameSync(temporary, file);
      } catch (error) {
        rmSync(temporary, { force: true });
        throw error;
      }
      syncFolder(folder);
    } catch (cause) {
      throw new RegistryCtlError(
        "ERR_WRITE",
        `the move cannot be remembered in ${folder}: ${messageOf(cause)}`,
        {
          cause,
          hint: "make room there, or choose another folder with --state-dir",
        },
      );
    }
  }

  /** @returns the folder of a move, for its owner alone */
  folderOf(id: string): string {
    return join(this.folder, id);
  }

  /** @returns a folder for lists that are too long for memory; it is made if it is not there */
  spoolFolder(id: string): string {
    const folder = join(this.folder, id, SPOOL);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  /** @returns a folder for times of files that were copied, which outlive a round; it is made if it is not there */
  timesFolder(id: string): string {
    const folder = join(this.folder, id, TIMES);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  /** Removes all that is remembered of a move. */
  forget(id: string): void {
    rmSync(join(this.folder, id), { recursive: true, force: true });
    syncFolder(this.folder);
  }

  /** Removes what was spooled. */
  clearSpool(id: string): void {
    rmSync(join(this.folder, id, SPOOL), { recursive: true, force: true });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT" || errorCodeOf(error) === "EACCES") return [];
    throw error;
  }
}
