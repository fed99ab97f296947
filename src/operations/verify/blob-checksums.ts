import { createHash } from "node:crypto";
import { CancelledError, PathNotFoundError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { type Digest, type DigestAlgorithm, parseDigest } from "../../oci/digest.ts";
import type { DigestId, DigestTable } from "../../registry/graph/digest-table.ts";
import { PagedArray } from "../../registry/graph/paged-array.ts";
import { blobDataPath } from "../../registry/paths.ts";
import { isRemote } from "../../registry/remote-store.ts";
import { hasFastReads, hasSmallReads } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { FindingLog } from "./finding-log.ts";
import { type GiveWay, givingWayUntil } from "./give-way.ts";
import type { StoredBlobs } from "./stored-blobs.ts";
import type { UncheckedLog } from "./unchecked-log.ts";
import type { ChecksumShare } from "./verify-report.ts";

/** So many blobs are read at a time: while one is hashed, the next pieces of the others are under way. */
const MAX_FILES_AT_ONCE = 4;
/** The same where each takes a request, which is waited for. */
const MAX_REQUESTS_AT_ONCE = 16;
const BUFFER_BYTES = 512 * 1024;
/** What is not larger is read in one go. */
const SMALL_BYTES = 64 * 1024;

const DECIDED = 1;
const WRONG = 2;

/** Options of {@link BlobChecksums}. */
export interface ChecksumOptions {
  blobs: StoredBlobs;
  findings: FindingLog;
  unchecked: UncheckedLog;
  /** The share of blobs to read, above 0 and up to 100. */
  percent: number;
  /** A number from 0 up to, not including, 1: which blobs are read is left to chance, so that runs differ. */
  random: () => number;
  concurrency: number;
  signal: AbortSignal | undefined;
  /** Called with the bytes just read. */
  onBytes: (bytes: number) => void;
}

/** Reads blobs and compares their digests. Each is decided on once: read, or left out by chance. */
export class BlobChecksums {
  readonly #driver: StorageDriver;
  readonly #table: DigestTable;
  readonly #options: ChecksumOptions;
  readonly #marks = PagedArray.bytes();
  readonly #buffers: Uint8Array[] = [];
  readonly #giveWay: GiveWay;
  readonly share: ChecksumShare;

  constructor(driver: StorageDriver, table: DigestTable, options: ChecksumOptions) {
    this.#driver = driver;
    this.#table = table;
    this.#options = options;
    this.#giveWay = givingWayUntil(options.signal);
    this.share = { percent: options.percent, blobs: 0, bytes: 0, ofBlobs: 0, ofBytes: 0 };
  }

  /** Tells whether the bytes were read and have another digest. */
  isWrong(id: DigestId): boolean {
    return (this.#marks.get(id) & WRONG) !== 0;
  }

  /**
   * Reads those blobs that were not decided on before. Those that are not stored are left out.
   *
   * @param storedAs - under which digest the bytes of a blob are stored
   * @throws {CancelledError} when the signal is aborted
   */
  async check(ids: Iterable<DigestId>, storedAs: (id: DigestId) => DigestId = (id) => id): Promise<void> {
    const { concurrency } = this.#options;
    const limit = Math.min(concurrency, isRemote(this.#driver) ? MAX_REQUESTS_AT_ONCE : MAX_FILES_AT_ONCE);
    await forEachConcurrently(ids, limit, async (id) => {
      const marks = this.#marks.get(id);
      if ((marks & DECIDED) !== 0) return;
      const size = this.#options.blobs.known(storedAs(id));
      if (typeof size !== "number") return;
      // The same bytes under another digest are no other blob.
      const isCounted = (this.#marks.get(storedAs(id)) & DECIDED) !== 0;
      this.#marks.set(id, marks | DECIDED);
      if (!isCounted) {
        this.share.ofBlobs++;
        this.share.ofBytes += size;
      }
      if (this.#options.random() * 100 >= this.#options.percent) return;
      const isRead = await this.#checkOne(id, storedAs(id), size);
      if (isCounted || !isRead) return;
      this.share.blobs++;
      this.share.bytes += size;
    });
  }

  /** @returns false if the bytes could not be read */
  async #checkOne(id: DigestId, stored: DigestId, size: number): Promise<boolean> {
    const path = blobDataPath(this.#table.digestOf(stored));
    const expected = this.#table.digestOf(id);
    try {
      const actual = await this.#digest(path, this.#table.algorithmOf(id), size);
      if (actual === undefined) {
        this.#options.blobs.forget(stored);
        return false;
      }
      if (actual === expected) return true;
      this.#marks.set(id, this.#marks.get(id) | WRONG);
      this.#options.findings.addForDigest(
        "wrong-digest",
        id,
        () => `the ${size} bytes stored for ${expected} have the digest ${actual}`,
      );
      return true;
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      if (error instanceof PathNotFoundError) this.#options.blobs.forget(stored);
      else this.#options.unchecked.add(path, error);
      return false;
    }
  }

  /** @returns undefined if the file is gone by now */
  async #digest(path: string, algorithm: DigestAlgorithm, size: number): Promise<Digest | undefined> {
    const hash = createHash(algorithm);
    if (size <= SMALL_BYTES && hasSmallReads(this.#driver)) {
      await this.#giveWay();
      const bytes = this.#driver.getSync(path);
      if (bytes === undefined) return undefined;
      hash.update(bytes);
      this.#options.onBytes(bytes.length);
    } else {
      for await (const piece of this.#pieces(path)) {
        this.#checkSignal();
        hash.update(piece);
        this.#options.onBytes(piece.length);
      }
    }
    return parseDigest(`${algorithm}:${hash.digest("hex")}`);
  }

  /** The bytes of a file; each piece is overwritten by the next. */
  async *#pieces(path: string): AsyncGenerator<Uint8Array> {
    const driver = this.#driver;
    if (!hasFastReads(driver)) {
      const { signal } = this.#options;
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

  #checkSignal(): void {
    if (this.#options.signal?.aborted) throw new CancelledError();
  }
}
