import { randomBytes } from "node:crypto";
import { lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RegistryCtlError } from "../errors.ts";
import { messageOf } from "../lib/message-of.ts";
import { createOwnedFile } from "../lib/owned-file.ts";
import { errorCodeOf } from "../lib/system-error.ts";
import { type Duty, parseDuty } from "./duty.ts";
import { readRunFile } from "./run-files.ts";
import { makeStateFolder, type StateUser, stateBaseFolder } from "./state-folder.ts";

const SUFFIX = ".duty.json";

/** Where duties are kept, and for whom. */
export interface DutiesOptions {
  /** `--state-dir`, absolute; undefined: where this user keeps state. */
  stateDir?: string | undefined;
  user: StateUser;
  /** Instead of `/var/lib/registry-ctl`. */
  systemFolder?: string;
}

/** A duty and the file that it stands in. */
export interface KeptDuty {
  /** Absolute path. */
  file: string;
  duty: Duty;
}

/**
 * The duties of one user, for all stores together: each a file that outlives power cuts. They stand apart from a store's
 * own state, which belongs to the registry's user, since what root undoes must come from root.
 */
export class Duties {
  /** Absolute path. It need not exist. */
  readonly folder: string;
  readonly #uid: number;

  constructor({ stateDir, user, systemFolder }: DutiesOptions) {
    this.folder = join(stateBaseFolder(stateDir, user, systemFolder), "duties");
    this.#uid = user.uid;
  }

  /**
   * Writes a duty down. Resolved means that it is on the disk: only then may the change be made that it undoes.
   *
   * @throws {RegistryCtlError} `ERR_WRITE` if it cannot be written
   */
  add(content: Omit<Duty, "schemaVersion" | "id">): KeptDuty {
    const id = `${content.madeAt.replaceAll(/[^0-9]/g, "").slice(0, 14)}-${randomBytes(4).toString("hex")}`;
    const duty: Duty = { schemaVersion: 1, id, ...content };
    const file = join(this.folder, `${id}${SUFFIX}`);
    try {
      makeStateFolder(this.folder, this.#uid, undefined);
      createOwnedFile(file, Buffer.from(`${JSON.stringify(duty)}\n`), { mode: 0o600 });
    } catch (cause) {
      throw new RegistryCtlError(
        "ERR_WRITE",
        `what has to be undone later cannot be written to ${this.folder}: ${messageOf(cause)}`,
        { cause, hint: "nothing was changed; make room there, or choose another folder with --state-dir" },
      );
    }
    return { file, duty };
  }

  /**
   * @param onProblem - is told of files that are none of ours, or cannot be understood
   * @returns what is to be undone, the oldest first
   * @throws {Error} the system's, if the folder cannot be listed
   */
  list(onProblem: (problem: string) => void = () => undefined): KeptDuty[] {
    const problem = this.#folderProblem();
    if (problem !== undefined) {
      onProblem(problem);
      return [];
    }
    const kept: KeptDuty[] = [];
    for (const name of namesIn(this.folder)) {
      const file = join(this.folder, name);
      const duty = this.read(file);
      if (duty) kept.push({ file, duty });
      else if (lstatSync(file, { throwIfNoEntry: false })) onProblem(`${file} cannot be understood`);
    }
    return kept;
  }

  /** @returns undefined if there is no such duty any more, or it is not one that this user has written */
  read(file: string): Duty | undefined {
    if (this.#folderProblem() !== undefined) return undefined;
    const info = lstatSync(file, { throwIfNoEntry: false });
    if (info?.uid !== this.#uid || (info.mode & 0o022) !== 0) return undefined;
    return parseDuty(readRunFile(file) ?? undefined);
  }

  /** Tells whether there is a file of that name, whatever is in it. */
  isThere(file: string): boolean {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  }

  /** Forgets a duty that is done. */
  remove(file: string): void {
    rmSync(file, { force: true });
  }

  /** What another user could have written there may name any program. */
  #folderProblem(): string | undefined {
    const info = lstatSync(this.folder, { throwIfNoEntry: false });
    if (info === undefined) return undefined;
    if (!info.isDirectory()) return `${this.folder} is no folder`;
    if (info.uid !== this.#uid) return `${this.folder} belongs to user ${info.uid}, not to ${this.#uid}`;
    return (info.mode & 0o022) === 0 ? undefined : `${this.folder} may be written to by others`;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(SUFFIX))
      .sort();
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return [];
    throw error;
  }
}
