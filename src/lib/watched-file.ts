import { createHash } from "node:crypto";
import { type BigIntStats, closeSync, fstatSync, openSync, readFileSync, statSync } from "node:fs";

/** How often a file is looked at. */
const LOOK_EVERY_MS = 1_000;

/** How a {@link WatchedFile} tells of problems. */
export interface WatchedFileOptions {
  /** Told of a later version that cannot be read or parsed: once for each. The last good one stays in use. */
  onProblem: (error: unknown) => void;
  /** A clock that only goes forward; for tests. */
  nowMs?: () => number;
}

/**
 * A file that is read again when it has changed. It is looked at on use and at most once a second; a version that
 * cannot be used is told of once, and the last good one stays. Nothing is read before the first use.
 *
 * Change is seen by size, times and inode, behind symbolic links: a file that was renamed into place and a folder of
 * links that was switched over (as Kubernetes does with secrets) are seen as well as one that was written in place.
 */
export class WatchedFile<T> {
  readonly path: string;
  readonly #parse: (bytes: Buffer) => T;
  readonly #onProblem: (error: unknown) => void;
  readonly #nowMs: () => number;
  #good: { value: T } | undefined;
  #version = 0;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** What the file looked like when it was read; undefined: it is to be read whatever it looks like. */
  #seen: string | undefined;
  /** Of the bytes that were parsed last, or the reason why there were none. */
  #content = "";

  /**
   * @param parse - makes a value of the file's bytes, and throws for those of a file that is being written
   */
  constructor(path: string, parse: (bytes: Buffer) => T, options: WatchedFileOptions) {
    this.path = path;
    this.#parse = parse;
    this.#onProblem = options.onProblem;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /**
   * The value of the newest version that can be used.
   *
   * @throws whatever reading or parsing throws, as long as there has been no version that could be used
   */
  get current(): T {
    const nowMs = this.#nowMs();
    if (this.#good === undefined) {
      this.#good = { value: this.#parse(this.#readFirst()) };
      this.#version++;
      this.#lookedMs = nowMs;
    } else if (nowMs - this.#lookedMs >= LOOK_EVERY_MS) {
      this.#lookedMs = nowMs;
      this.#look();
    }
    return this.#good.value;
  }

  /**
   * Counts up when `current` has been replaced, for caches of what was derived from it. It does not look at the file:
   * ask for `current` first.
   */
  get version(): number {
    return this.#version;
  }

  #readFirst(): Buffer {
    const { bytes } = readSteadily(this.path);
    this.#content = digestOf(bytes);
    return bytes;
  }

  #look(): void {
    try {
      const stats = statSync(this.path, { bigint: true });
      if (this.#seen === appearance(stats)) return;
      // Opening a pipe would wait for somebody to write to it, and all of the server with it.
      if (stats.isFIFO()) throw new PipeError(this.path);
      const { bytes, seen } = readSteadily(this.path);
      // Half-written, as it seems: what it comes to is seen at the next look.
      if (seen === undefined) return;
      const content = digestOf(bytes);
      // A change may be too close to the one before it to show in the file's times. So a file counts as known only
      // when a later look has found the same bytes.
      this.#seen = content === this.#content ? seen : undefined;
      if (content === this.#content) return;
      this.#content = content;
      this.#good = { value: this.#parse(bytes) };
      this.#version++;
    } catch (error) {
      this.#tell(error);
    }
  }

  #tell(error: unknown): void {
    if (isSystemError(error) || error instanceof PipeError) {
      this.#seen = undefined;
      if (this.#content === error.code) return;
      this.#content = error.code;
    }
    this.#onProblem(error);
  }
}

/** A pipe can be read once, at the beginning: what a shell makes of `<(…)` is one. */
class PipeError extends Error {
  override readonly name: string = "PipeError";
  readonly code = "PIPE";
  constructor(path: string) {
    super(`${path} is a pipe, which is read at the start only`);
  }
}

/** @returns `seen` undefined if the file changed while it was read */
function readSteadily(path: string): { bytes: Buffer; seen: string | undefined } {
  const descriptor = openSync(path, "r");
  try {
    const before = appearance(fstatSync(descriptor, { bigint: true }));
    const bytes = readFileSync(descriptor);
    const after = appearance(fstatSync(descriptor, { bigint: true }));
    return { bytes, seen: before === after ? after : undefined };
  } finally {
    closeSync(descriptor);
  }
}

function appearance(stats: BigIntStats): string {
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(" ");
}

/** The bytes themselves are not kept: they may be secrets. */
function digestOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("base64");
}

function isSystemError(error: unknown): error is Error & { code: string; syscall: string } {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string";
}
