import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { errorCodeOf } from "../lib/system-error.ts";
import { openJournal } from "./open-journal.ts";
import { makePassableFolder } from "./state-folder.ts";

const SUFFIX = ".jsonl";
const NEWLINE = 0x0a;

/** Options of {@link LineFile}. */
export interface LineFileOptions {
  /** Ends in `.jsonl`; its folder is made, for its owner alone. */
  path: string;
  /** From this size on the file is put aside and another one begun. */
  maxBytes: number;
  /** How many files that were put aside are kept. */
  kept: number;
}

/**
 * A file of lines to which several processes append, each line by one write, for its owner alone. Grown large, it is put
 * aside under a name with the time, which no other process can overwrite, and the oldest of those are removed.
 */
export class LineFile {
  readonly #options: LineFileOptions;
  #descriptor: number | undefined;

  constructor(options: LineFileOptions) {
    this.#options = options;
  }

  /**
   * Opens it before there is anything to append: for who is about to become another user, that may not.
   *
   * @throws {Error} the system's
   */
  open(): void {
    this.#current();
  }

  /**
   * Appends lines. Where the last writer's line was cut off, by a full disk or its death, that line is ended first.
   *
   * @param lines - without line ends
   * @returns how many were written as a whole: fewer if the disk became full, at least one
   * @throws {Error} the system's, if none was
   */
  append(lines: readonly string[]): number {
    let file = this.#current();
    if (file.info.size >= this.#options.maxBytes && this.#putAside(file)) file = this.#current();
    const isTorn = file.info.size > 0 && lastByte(file.descriptor, file.info.size) !== NEWLINE;
    const ends: number[] = [];
    let bytes = isTorn ? 1 : 0;
    for (const line of lines) {
      bytes += Buffer.byteLength(line) + 1;
      ends.push(bytes);
    }
    const content = Buffer.from(`${isTorn ? "\n" : ""}${lines.join("\n")}\n`);
    const written = writeSync(file.descriptor, content);
    const whole = ends.filter((end) => end <= written).length;
    if (whole === 0 && lines.length > 0)
      throw new Error(`only ${written} of ${content.length} bytes were written`);
    return whole;
  }

  /** Waits until what was appended is on the disk. */
  sync(): void {
    if (this.#descriptor !== undefined) fsyncSync(this.#descriptor);
  }

  /** May be called again without effect; `append` opens it anew. */
  close(): void {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor !== undefined) closeSync(descriptor);
  }

  /** The open file; another one if somebody has put the one that was open aside. */
  #current(): { descriptor: number; info: Stats } {
    const { path } = this.#options;
    if (this.#descriptor !== undefined) {
      const info = fstatSync(this.#descriptor);
      const present = statIfAny(path);
      // Who has become another user may not see the path any more, and keeps to what is open.
      if (present === "unseen" || (present?.ino === info.ino && present.dev === info.dev)) {
        return { descriptor: this.#descriptor, info };
      }
      this.close();
    }
    makePassableFolder(dirname(path));
    const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants;
    const descriptor = openSync(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_RDWR, 0o600);
    this.#descriptor = descriptor;
    return { descriptor, info: fstatSync(descriptor) };
  }

  /** @returns false if it cannot be: then it grows on */
  #putAside({ info }: { info: Stats }): boolean {
    const { path, kept } = this.#options;
    try {
      // Another process may have done it since.
      const present = statIfAny(path);
      if (present === "unseen" || present?.ino !== info.ino) return present !== "unseen";
      renameSync(path, asideName(path));
      for (const old of asideFiles(path).slice(0, -kept)) rmSync(old, { force: true });
      return true;
    } catch {
      return false;
    }
  }
}

/**
 * Opens a {@link LineFile} and all that was put aside of it, to be read. Nothing is missed where one is put aside at the
 * same moment.
 *
 * @returns descriptors, the oldest file first; none if there is nothing
 * @throws {Error} the system's, if one of them cannot be opened
 */
export function openLineFiles(path: string): number[] {
  const opened: { descriptor: number; id: string }[] = [];
  const open = (file: string): void => {
    try {
      const descriptor = openJournal(file);
      const { dev, ino } = fstatSync(descriptor);
      const id = `${dev} ${ino}`;
      if (opened.some((each) => each.id === id)) closeSync(descriptor);
      else opened.push({ descriptor, id });
    } catch (error) {
      if (errorCodeOf(error) !== "ENOENT" && errorCodeOf(error) !== "ENOTDIR") throw error;
    }
  };
  try {
    // The current one first: put aside after that, it is found again below, and known.
    open(path);
    const current = opened.length;
    for (const file of asideFiles(path)) open(file);
    return [...opened.slice(current), ...opened.slice(0, current)].map(({ descriptor }) => descriptor);
  } catch (error) {
    for (const { descriptor } of opened) closeSync(descriptor);
    throw error;
  }
}

/** @returns the files that were put aside, the oldest first */
function asideFiles(path: string): string[] {
  const stem = `${basename(path, SUFFIX)}-`;
  let names: string[];
  try {
    names = readdirSync(dirname(path));
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT" || errorCodeOf(error) === "ENOTDIR") return [];
    throw error;
  }
  return names
    .filter((name) => name.startsWith(stem) && ASIDE.test(name.slice(stem.length)))
    .sort()
    .map((name) => join(dirname(path), name));
}

const ASIDE = /^\d{8}T\d{9}Z-[0-9a-f]+\.jsonl$/;

function asideName(path: string): string {
  const time = new Date().toISOString().replace(/[-:.]/g, "");
  return join(dirname(path), `${basename(path, SUFFIX)}-${time}-${randomBytes(3).toString("hex")}${SUFFIX}`);
}

function statIfAny(path: string): Stats | "unseen" | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (errorCodeOf(error) === "EACCES") return "unseen";
    throw error;
  }
}

function lastByte(descriptor: number, size: number): number | undefined {
  const byte = Buffer.alloc(1);
  return readSync(descriptor, byte, 0, 1, size - 1) === 1 ? byte[0] : undefined;
}
