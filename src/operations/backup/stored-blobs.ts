import { StorageUnavailableError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { Digest } from "../../oci/digest.ts";
import { type DigestId, DigestTable } from "../../registry/graph/digest-table.ts";
import { PagedArray } from "../../registry/graph/paged-array.ts";
import { blobDataPath } from "../../registry/paths.ts";
import { scanBlobs } from "../../registry/scan/scan-blobs.ts";
import { statSmallFile } from "../../registry/small-file.ts";
import type { ScanFailure } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** Tells which blobs a store has. */
export interface BlobSizes {
  /** @returns the size of a blob in bytes, undefined if the store does not have it */
  sizeOf(digest: Digest): Promise<number | undefined>;
  /** The blob has been written meanwhile. */
  add(digest: Digest, sizeBytes: number): void;
}

/** Entries below this are no sizes. */
const KNOWN = 2;
const ABSENT = 0;
const PRESENT = 1;

/** The blobs of a store by one listing; some 50 bytes for each. */
export class StoredBlobs implements BlobSizes {
  readonly #driver: StorageDriver;
  readonly #table = new DigestTable();
  readonly #sizes = PagedArray.numbers();

  private constructor(driver: StorageDriver) {
    this.#driver = driver;
  }

  /**
   * @throws {StorageUnavailableError} if a folder cannot be listed
   */
  static async list(driver: StorageDriver, signal: AbortSignal): Promise<StoredBlobs> {
    const blobs = new StoredBlobs(driver);
    const table = blobs.#table;
    const failures: ScanFailure[] = [];
    const onFailure = (failure: ScanFailure): void => void failures.push(failure);
    for await (const batch of scanBlobs(driver, { table, onFailure, onStray: () => undefined, signal })) {
      for (const { id, sizeBytes } of batch) blobs.#set(id, sizeBytes);
      if (failures.length > 0) break;
    }
    for (const { path, error } of failures) {
      throw new StorageUnavailableError(`${path} cannot be listed: ${messageOf(error)}`, { cause: error });
    }
    return blobs;
  }

  /** Those that are there, in no order. */
  *digests(): Generator<Digest> {
    for (const id of this.#table.ids()) if (this.#sizes.get(id) !== ABSENT) yield this.#table.digestOf(id);
  }

  /** Asks the store only where the listing has brought no size. */
  async sizeOf(digest: Digest): Promise<number | undefined> {
    const id = this.#table.intern(digest);
    const entry = this.#sizes.get(id);
    if (entry >= KNOWN) return entry - KNOWN;
    if (entry === ABSENT) return undefined;
    const sizeBytes = (await statSmallFile(this.#driver, blobDataPath(digest)))?.sizeBytes;
    if (sizeBytes === undefined) this.#sizes.set(id, ABSENT);
    else this.#set(id, sizeBytes);
    return sizeBytes;
  }

  add(digest: Digest, sizeBytes: number): void {
    this.#set(this.#table.intern(digest), sizeBytes);
  }

  /** The bytes of the blob are of no use: it counts as absent until it is written again. */
  forget(digest: Digest): void {
    this.#sizes.set(this.#table.intern(digest), ABSENT);
  }

  #set(id: DigestId, sizeBytes: number | undefined): void {
    this.#sizes.set(id, sizeBytes === undefined ? PRESENT : sizeBytes + KNOWN);
  }
}

/** The blobs of a store of which only some are of interest: each is asked for. */
export class LookedUpBlobs implements BlobSizes {
  readonly #driver: StorageDriver;
  readonly #sizes = new Map<Digest, number | undefined>();

  constructor(driver: StorageDriver) {
    this.#driver = driver;
  }

  async sizeOf(digest: Digest): Promise<number | undefined> {
    if (this.#sizes.has(digest)) return this.#sizes.get(digest);
    const sizeBytes = (await statSmallFile(this.#driver, blobDataPath(digest)))?.sizeBytes;
    this.#sizes.set(digest, sizeBytes);
    return sizeBytes;
  }

  add(digest: Digest, sizeBytes: number): void {
    this.#sizes.set(digest, sizeBytes);
  }
}
