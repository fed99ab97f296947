import { createHash } from "node:crypto";
import { CancelledError, PathNotFoundError } from "../../errors.ts";
import { type Digest, type DigestAlgorithm, parseDigest } from "../../oci/digest.ts";
import { hasFastReads, hasSmallReads } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { type GiveWay, givingWayUntil } from "./give-way.ts";

const BUFFER_BYTES = 512 * 1024;
/** What is not larger is read in one go. */
const SMALL_BYTES = 64 * 1024;

/** Reads whole files and computes their digests, in buffers that are used again. */
export class FileDigests {
  readonly #driver: StorageDriver;
  readonly #signal: AbortSignal | undefined;
  readonly #onBytes: (bytes: number) => void;
  readonly #buffers: Uint8Array[] = [];
  readonly #giveWay: GiveWay;

  /** @param onBytes - called with the number of bytes just read */
  constructor(
    driver: StorageDriver,
    { signal, onBytes }: { signal: AbortSignal | undefined; onBytes: (bytes: number) => void },
  ) {
    this.#driver = driver;
    this.#signal = signal;
    this.#onBytes = onBytes;
    this.#giveWay = givingWayUntil(signal);
  }

  /**
   * @param sizeBytes - about what the file has: decides how it is read
   * @returns the digest of the file, undefined if there is none
   * @throws {CancelledError} when the signal is aborted
   * @throws {StorageUnavailableError}
   */
  async of(path: string, algorithm: DigestAlgorithm, sizeBytes: number): Promise<Digest | undefined> {
    const hash = createHash(algorithm);
    if (sizeBytes <= SMALL_BYTES && hasSmallReads(this.#driver)) {
      await this.#giveWay();
      const bytes = this.#driver.getSync(path);
      if (bytes === undefined) return undefined;
      hash.update(bytes);
      this.#onBytes(bytes.length);
    } else {
      try {
        for await (const piece of this.#pieces(path)) {
          if (this.#signal?.aborted) throw new CancelledError();
          hash.update(piece);
          this.#onBytes(piece.length);
        }
      } catch (error) {
        if (error instanceof PathNotFoundError) return undefined;
        throw error;
      }
    }
    return parseDigest(`${algorithm}:${hash.digest("hex")}`);
  }

  /** The bytes of a file; each piece is overwritten by the next. */
  async *#pieces(path: string): AsyncGenerator<Uint8Array> {
    const driver = this.#driver;
    if (!hasFastReads(driver)) {
      const signal = this.#signal;
      yield* await driver.read(path, signal ? { signal } : {});
      return;
    }
    const buffer = this.#buffers.pop() ?? new Uint8Array(BUFFER_BYTES);
    const file = await driver.openFile(path);
    try {
      for (let position = 0; ; ) {
        const read = await file.read(buffer, position);
        if (read === 0) return;
        position += read;
        yield buffer.subarray(0, read);
      }
    } finally {
      this.#buffers.push(buffer);
      await file.close();
    }
  }
}
