import type { ScannedFile } from "../../storage/abilities.ts";
import { compareKeys } from "../../storage/key-order.ts";
import { outOfOrder } from "../scan/out-of-order.ts";

/** Goes through a scan file by file; the next batch comes while one is looked at. */
export class ScanCursor {
  readonly #batches: AsyncGenerator<ScannedFile[]>;
  #coming: Promise<IteratorResult<ScannedFile[]>>;
  #batch: ScannedFile[] = [];
  #at = 0;
  readonly #after: string;
  #last: string;
  #isDone = false;

  /** @param after - files up to it are left out, though the scan may give them */
  constructor(batches: AsyncGenerator<ScannedFile[]>, after = "") {
    this.#batches = batches;
    this.#after = after;
    this.#last = after;
    this.#coming = this.#ask();
  }

  /** The file that it stands at; undefined at the end, or if {@link fill} is to be called. */
  get current(): ScannedFile | undefined {
    return this.#batch[this.#at];
  }

  /** Nothing is at hand, though there may be more. */
  get isEmpty(): boolean {
    return this.#at >= this.#batch.length && !this.#isDone;
  }

  /** Goes on to the next file at hand. */
  advance(): void {
    this.#at++;
  }

  /**
   * Waits until a file is at hand or the end is reached.
   *
   * @throws {StorageUnavailableError} if the files do not come in key order
   */
  async fill(): Promise<void> {
    while (this.isEmpty) {
      const next = await this.#coming;
      if (next.done) {
        this.#isDone = true;
        return;
      }
      this.#batch = this.#checked(next.value);
      this.#at = 0;
      this.#coming = this.#ask();
    }
  }

  /** Ends the scan. */
  async close(): Promise<void> {
    await this.#coming.catch(() => undefined);
    await this.#batches.return(undefined);
  }

  #ask(): Promise<IteratorResult<ScannedFile[]>> {
    const coming = this.#batches.next();
    // It is awaited later, or never if the comparison ends early.
    coming.catch(() => undefined);
    return coming;
  }

  #checked(batch: ScannedFile[]): ScannedFile[] {
    const files: ScannedFile[] = [];
    for (const file of batch) {
      const { path } = file;
      if (compareKeys(path, this.#last) <= 0) {
        if (this.#last !== this.#after) throw outOfOrder(path, this.#last);
        continue;
      }
      this.#last = path;
      // An object store's mark for a folder has a slash at its end.
      if (!path.endsWith("/")) files.push(file);
    }
    return files;
  }
}
