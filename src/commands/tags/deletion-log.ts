import { closeSync, openSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { UsageError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { printableJson } from "../../lib/printable.ts";
import { fileProblemOf } from "../../lib/system-error.ts";

/** A file of lines of JSON, one for each tag that was deleted, or could not be. */
export class DeletionLog {
  readonly #file: number;
  #problem: string | undefined;

  /** @throws {UsageError} if the file cannot be appended to */
  constructor(cwd: string, path: string) {
    try {
      this.#file = openSync(resolve(cwd, path), "a");
    } catch (cause) {
      throw new UsageError(`--log: ${path} cannot be written: ${fileProblemOf(cause)}`, { cause });
    }
  }

  /** Why lines are missing; undefined if none is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Never throws: what has been deleted is deleted. */
  add(line: object): void {
    try {
      writeSync(this.#file, `${printableJson({ time: new Date().toISOString(), ...line })}\n`);
    } catch (error) {
      this.#problem ??= messageOf(error);
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}
