import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

const FILE_NAME = /^(\d{1,16})-[0-9a-f]+\.slice$/;

/** Keys that may not be relied on for a while or, with a content, may not be given another one. */
export interface RefusedKeys {
  keys: string[];
  forMs: number;
  content?: string;
}

/** What a server remembers of slices of which removals may be under way. */
export interface SliceRecords {
  /** The store may carry out a removal after its sender is gone. Elsewhere nothing needs to be remembered. */
  readonly mayComeLate: boolean;
  /** A slice is about to be proposed. @throws if that cannot be remembered */
  open(slice: number, keys: readonly string[]): void;
  /** Every removal of a slice has a definite outcome. Never throws: where that cannot be noted, a later server refuses it. */
  remove(slice: number): void;
  /**
   * The store may still carry out removals of these keys until then (milliseconds since 1970). Never throws, as
   * {@link remove}.
   */
  setUndecided(slice: number, keys: readonly string[], untilMs: number): void;
  /**
   * The store may still write that content under these keys until then (milliseconds since 1970). Never throws: where it
   * cannot be noted, it is known to this server only.
   *
   * @param id - no slice has the same
   */
  refuse(id: number, write: { keys: readonly string[]; content: string }, untilMs: number): void;
  /** @returns what must not be relied on, or not be changed, for now */
  undecided(nowMs: number): RefusedKeys[];
}

/** Where nothing needs to be remembered over the end of a server, or nothing can be. */
export class NoSliceRecords implements SliceRecords {
  readonly mayComeLate: boolean;
  #refused: Refused[] = [];

  constructor(mayComeLate = false) {
    this.mayComeLate = mayComeLate;
  }

  open(): void {}

  remove(): void {}

  setUndecided(_slice: number, keys: readonly string[], untilMs: number): void {
    this.#refused.push({ keys, untilMs });
  }

  refuse(_id: number, write: { keys: readonly string[]; content: string }, untilMs: number): void {
    this.#refused.push({ ...write, untilMs });
  }

  undecided(nowMs: number): RefusedKeys[] {
    this.#refused = this.#refused.filter(({ untilMs }) => untilMs > nowMs);
    return refusedNow(this.#refused, nowMs);
  }
}

interface Refused {
  keys: readonly string[];
  untilMs: number;
  content?: string;
}

/** What a file's first line begins with that tells of a content: no key does. */
const CONTENT_MARK = "=";

/**
 * One file for each slice, synced before its first removal, so that whoever comes after a server that was killed knows
 * what an object store may still remove. `<untilMs or 0>-<slice>.slice` in the folder, one key a line. What it may
 * still write is told in the same form, with `=<content>` for a first line.
 */
export class FileSliceRecords implements SliceRecords {
  readonly mayComeLate = true;
  readonly #folder: string;
  readonly #refused = new Map<string, Refused>();
  /** Another one for each server, so that none ever writes to what an earlier one has left. */
  readonly #token = randomBytes(8).toString("hex");

  /**
   * Takes over what an earlier server has left. Its collector must have ended.
   *
   * @param refuseUntilMs - for how long slices that were under way are refused
   * @throws if the folder cannot be read or written
   */
  constructor(folder: string, nowMs: number, refuseUntilMs: number) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(folder)) this.#takeOver(name, nowMs, refuseUntilMs);
  }

  open(slice: number, keys: readonly string[]): void {
    this.#create(this.#openPath(slice), keys);
  }

  refuse(id: number, write: { keys: readonly string[]; content: string }, untilMs: number): void {
    const name = `${Math.ceil(untilMs)}-${this.#nameOf(id)}.slice`;
    this.#refused.set(name, { ...write, untilMs });
    tryTo(() => this.#create(join(this.#folder, name), [`${CONTENT_MARK}${write.content}`, ...write.keys]));
  }

  #create(path: string, lines: readonly string[]): void {
    const descriptor = openSync(path, "wx", 0o600);
    try {
      const text = Buffer.from(lines.join("\n"));
      for (let at = 0; at < text.length; ) at += writeSync(descriptor, text, at);
      fsyncSync(descriptor);
    } catch (error) {
      unlinkSync(path);
      throw error;
    } finally {
      closeSync(descriptor);
    }
    this.#sync();
  }

  remove(slice: number): void {
    tryTo(() => unlinkSync(this.#openPath(slice)));
  }

  setUndecided(slice: number, keys: readonly string[], untilMs: number): void {
    const name = `${Math.ceil(untilMs)}-${this.#nameOf(slice)}.slice`;
    this.#refused.set(name, { keys, untilMs });
    // All keys of the slice are in it: some are refused that need not be, by a server that comes after this one.
    tryTo(() => {
      renameSync(this.#openPath(slice), join(this.#folder, name));
      this.#sync();
    });
  }

  undecided(nowMs: number): RefusedKeys[] {
    for (const [name, { untilMs }] of this.#refused) {
      if (untilMs > nowMs) continue;
      this.#refused.delete(name);
      tryTo(() => unlinkSync(join(this.#folder, name)));
    }
    return refusedNow([...this.#refused.values()], nowMs);
  }

  #takeOver(name: string, nowMs: number, refuseUntilMs: number): void {
    const until = FILE_NAME.exec(name)?.[1];
    if (until === undefined) return;
    const path = join(this.#folder, name);
    const lines = readFileSync(path, "utf8").split("\n");
    const [first = ""] = lines;
    const content = first.startsWith(CONTENT_MARK) ? first.slice(CONTENT_MARK.length) : undefined;
    const keys = content === undefined ? lines : lines.slice(1);
    let untilMs = Number(until);
    let own = name;
    if (untilMs === 0) {
      untilMs = refuseUntilMs;
      own = name.replace(/^0/, String(Math.ceil(refuseUntilMs)));
      renameSync(path, join(this.#folder, own));
    }
    // A clock that was set back must not refuse for ever.
    untilMs = Math.min(untilMs, Math.max(refuseUntilMs, nowMs));
    this.#refused.set(own, { keys, untilMs, ...(content === undefined ? {} : { content }) });
  }

  #nameOf(slice: number): string {
    return `${this.#token}${slice.toString(16).padStart(8, "0")}`;
  }

  #openPath(slice: number): string {
    return join(this.#folder, `0-${this.#nameOf(slice)}.slice`);
  }

  #sync(): void {
    const descriptor = openSync(this.#folder, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
}

function refusedNow(all: readonly Refused[], nowMs: number): RefusedKeys[] {
  return all
    .filter(({ untilMs }) => untilMs > nowMs)
    .map(({ keys, untilMs, content }) => {
      const forMs = untilMs - nowMs;
      return { keys: [...keys], forMs, ...(content === undefined ? {} : { content }) };
    });
}

/** A file that stays as it was makes the next server refuse more than it must, and loses nothing. */
function tryTo(change: () => void): void {
  try {
    change();
  } catch {
    // See above.
  }
}
