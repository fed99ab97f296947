import { CancelledError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import type { Digest } from "../../oci/digest.ts";
import type { DigestId, DigestTable } from "../../registry/graph/digest-table.ts";
import { PagedArray } from "../../registry/graph/paged-array.ts";
import { blobDataPath } from "../../registry/paths.ts";
import { isRemote } from "../../registry/remote-store.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { FileDigests } from "./file-digests.ts";
import type { FindingLog } from "./finding-log.ts";
import type { StoredBlobs } from "./stored-blobs.ts";
import type { UncheckedLog } from "./unchecked-log.ts";
import type { ChecksumShare } from "./verify-report.ts";

/** So many blobs are read at a time: while one is hashed, the next pieces of the others are under way. */
const MAX_FILES_AT_ONCE = 4;
/** The same where each takes a request, which is waited for. */
const MAX_REQUESTS_AT_ONCE = 16;

const DECIDED = 1;
const WRONG = 2;

/** Options of {@link BlobChecksums}. */
export interface ChecksumOptions {
  blobs: StoredBlobs;
  findings: FindingLog;
  unchecked: UncheckedLog;
  /** The share of blobs that is read, above 0 and up to 100. */
  percent: number;
  /** Tells whether a blob is read; asked once for each. */
  chooses: (digest: Digest) => boolean;
  concurrency: number;
  signal: AbortSignal | undefined;
  /** Called with the bytes just read. */
  onBytes: (bytes: number) => void;
}

/** Reads blobs and compares their digests. Each is decided on once: read, or left out. */
export class BlobChecksums {
  readonly #driver: StorageDriver;
  readonly #table: DigestTable;
  readonly #options: ChecksumOptions;
  readonly #marks = PagedArray.bytes();
  readonly #digests: FileDigests;
  readonly share: ChecksumShare;

  constructor(driver: StorageDriver, table: DigestTable, options: ChecksumOptions) {
    this.#driver = driver;
    this.#table = table;
    this.#options = options;
    this.#digests = new FileDigests(driver, options);
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
      if (!this.#options.chooses(this.#table.digestOf(id))) return;
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
      const actual = await this.#digests.of(path, this.#table.algorithmOf(id), size);
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
      this.#options.unchecked.add(path, error);
      return false;
    }
  }
}
