import { read } from "node:fs";
import { promisify } from "node:util";

const NEWLINE = 0x0a;
const readAt = promisify(read);

/** Reads single lines of a file. Those that lie near each other cost one read. */
export class LineWindow {
  readonly #file: number;
  readonly #maxLineBytes: number;
  #bytes = Buffer.alloc(0);
  /** Where {@link #bytes} begin in the file. */
  #from = 0;

  /** @param file - a descriptor, which stays open */
  constructor(file: number, maxLineBytes: number) {
    this.#file = file;
    this.#maxLineBytes = maxLineBytes;
  }

  /**
   * @param offset - where the line begins
   * @returns the line without its end
   * @throws {Error} if the file cannot be read
   */
  async lineAt(offset: number): Promise<string> {
    return this.#lineInWindow(offset) ?? (await this.#move(offset));
  }

  #lineInWindow(offset: number): string | undefined {
    const start = offset - this.#from;
    if (start < 0 || start >= this.#bytes.length) return undefined;
    const end = this.#bytes.indexOf(NEWLINE, start);
    return end < 0 ? undefined : this.#bytes.toString("utf8", start, end);
  }

  async #move(offset: number): Promise<string> {
    const bytes = Buffer.allocUnsafe(4 * this.#maxLineBytes);
    const { bytesRead } = await readAt(this.#file, bytes, 0, bytes.length, offset);
    this.#bytes = bytes.subarray(0, bytesRead);
    this.#from = offset;
    // The last line of a file may have no end.
    return this.#lineInWindow(offset) ?? this.#bytes.toString("utf8");
  }
}
