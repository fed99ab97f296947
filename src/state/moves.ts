import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RegistryCtlError } from "../errors.ts";
import { messageOf } from "../lib/message-of.ts";
import { syncFolder, writeBeside } from "../lib/owned-file.ts";
import { errorCodeOf } from "../lib/system-error.ts";
import { type MoveRecord, parseMove } from "./move-record.ts";
import { readRunFile } from "./run-files.ts";

/** By what one of the moves is found again: those of a kind have one each for a name; `hold`, `finish` and `back` are one. */
type MoveKey = Pick<MoveRecord, "kind" | "old">;

/** In a store's state folder. */
const FOLDER = "moves";
const SUFFIX = ".move.json";

/** The moves of the repositories of one store that are not over: each a file in its state folder. */
export class Moves {
  /** Absolute path. It need not exist. */
  readonly folder: string;

  /** @param stateFolder - of the store */
  constructor(stateFolder: string) {
    this.folder = join(stateFolder, FOLDER);
  }

  /** @returns all of them, by the name that the repositories had */
  list(): MoveRecord[] {
    return namesIn(this.folder)
      .filter((name) => name.endsWith(SUFFIX))
      .flatMap((name) => parseMove(readRunFile(join(this.folder, name))) ?? [])
      .sort((left, right) => (left.old < right.old ? -1 : 1));
  }

  /**
   * Remembers how far a move is. When it returns, that is on the disk.
   *
   * @throws {RegistryCtlError} `ERR_WRITE`
   */
  write(record: MoveRecord): void {
    const file = this.#fileOf(record);
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      const temporary = writeBeside(file, `${JSON.stringify(record)}\n`, { mode: 0o600 });
      try {
        renameSync(temporary, file);
      } catch (error) {
        rmSync(temporary, { force: true });
        throw error;
      }
      syncFolder(this.folder);
    } catch (cause) {
      throw new RegistryCtlError(
        "ERR_WRITE",
        `the move cannot be remembered in ${this.folder}: ${messageOf(cause)}`,
        { cause, hint: "make room there, or choose another folder with --state-dir" },
      );
    }
  }

  /** It is over. Nothing happens if nothing is remembered of it. */
  remove(move: MoveKey): void {
    rmSync(this.timesFolder(move), { recursive: true, force: true });
    rmSync(this.#fileOf(move), { force: true });
    syncFolder(this.folder);
  }

  /** A folder of this host for the times of files that one move copies. */
  timesFolder(move: MoveKey): string {
    return join(this.folder, `${idOf(move)}.times`);
  }

  #fileOf(move: MoveKey): string {
    return join(this.folder, `${idOf(move)}${SUFFIX}`);
  }
}

/** While something of a name is parked, others may be pushed there and moved: what is parked must not be forgotten. */
function idOf({ kind, old }: MoveKey): string {
  const name = kind === "move" ? `move ${old}` : old;
  return createHash("sha256").update(name).digest("hex").slice(0, 16);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return [];
    throw error;
  }
}
