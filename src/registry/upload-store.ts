import { randomUUID } from "node:crypto";
import type { LRUCache } from "lru-cache";
import type { DigestAlgorithm } from "../oci/digest.ts";
import type { StorageDriver } from "../storage/driver.ts";
import type { BlobStore } from "./blob-store.ts";
import { UploadUnknownError } from "./errors.ts";
import { subfolderNamesIfAny } from "./list-folder.ts";
import { uploadDataPath, uploadPath, uploadStartedAtPath, uploadsPath } from "./paths.ts";
import { removeFolderExactly } from "./remove-folder.ts";
import { fileSizeBytes, readSmallFile } from "./small-file.ts";
import { Upload } from "./upload.ts";
import { type HashedUpload, UploadHash } from "./upload-hash.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** An upload that has been begun and neither finished nor cancelled. */
export interface UploadInfo {
  uuid: string;
  /** When it was begun, in milliseconds since 1970; undefined if the store does not say. */
  startedAtMs: number | undefined;
}

/** The unfinished uploads of one repository. */
export class UploadStore {
  readonly #driver: StorageDriver;
  readonly #repository: string;
  readonly #blobs: BlobStore;
  readonly #hashes: LRUCache<string, UploadHash>;

  constructor(
    driver: StorageDriver,
    repository: string,
    parts: { blobs: BlobStore; hashes: LRUCache<string, UploadHash> },
  ) {
    this.#driver = driver;
    this.#repository = repository;
    this.#blobs = parts.blobs;
    this.#hashes = parts.hashes;
  }

  /**
   * Begins an upload.
   * @param algorithm - of the digest with which it will be finished; any other costs a second reading of the data
   */
  async start(algorithm: DigestAlgorithm = "sha256"): Promise<Upload> {
    const uuid = randomUUID();
    const startedAt = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    await this.#driver.put(uploadStartedAtPath(this.#repository, uuid), Buffer.from(startedAt, "latin1"));
    this.#hashes.set(uuid, new UploadHash(algorithm));
    return this.#open(uuid, 0);
  }

  /**
   * Opens an upload that this or another process began. At most one {@link Upload} of the same uuid may be in use at a
   * time, in all processes; only looking at its size is always allowed.
   * @param hashed - what {@link Upload.hashed} said where it was used last, in another process
   * @throws {UploadUnknownError} if there is none
   */
  async resume(uuid: string, hashed?: HashedUpload): Promise<Upload> {
    if (!UUID.test(uuid)) throw new UploadUnknownError(this.#repository, uuid);
    if ((await fileSizeBytes(this.#driver, uploadStartedAtPath(this.#repository, uuid))) === undefined) {
      throw new UploadUnknownError(this.#repository, uuid);
    }
    const sizeBytes = (await fileSizeBytes(this.#driver, uploadDataPath(this.#repository, uuid))) ?? 0;
    return this.#open(uuid, sizeBytes, hashed);
  }

  /** All unfinished uploads, those without a start time included, in byte order. */
  async *list(): AsyncGenerator<UploadInfo> {
    for (const uuid of await subfolderNamesIfAny(this.#driver, uploadsPath(this.#repository))) {
      const text = await readSmallFile(this.#driver, uploadStartedAtPath(this.#repository, uuid));
      const startedAtMs =
        text === undefined ? Number.NaN : Date.parse(Buffer.from(text).toString("latin1").trim());
      yield { uuid, startedAtMs: Number.isNaN(startedAtMs) ? undefined : startedAtMs };
    }
  }

  /** Removes an unfinished upload that nobody writes to, whatever is left of it. Removing nothing is no error. */
  async remove(uuid: string): Promise<void> {
    this.#hashes.delete(uuid);
    await removeFolderExactly(this.#driver, uploadPath(this.#repository, uuid));
  }

  #open(uuid: string, sizeBytes: number, hashed?: HashedUpload): Upload {
    return new Upload(uuid, sizeBytes, {
      driver: this.#driver,
      repository: this.#repository,
      blobs: this.#blobs,
      hashes: this.#hashes,
      hashed,
    });
  }
}
