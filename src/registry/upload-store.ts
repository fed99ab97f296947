import { randomUUID } from "node:crypto";
import type { LRUCache } from "lru-cache";
import { type DigestAlgorithm, digestAlgorithm } from "../oci/digest.ts";
import type { FileWriter, StorageDriver } from "../storage/driver.ts";
import { ReadOnlyStoreError } from "../storage/errors.ts";
import { hasUnfinishedWrites } from "../storage/object-store-abilities.ts";
import type { BlobStore } from "./blob-store.ts";
import { isWrittenDirectly, type WholeBody } from "./direct-blob.ts";
import { UploadUnknownError } from "./errors.ts";
import { subfolderNamesIfAny } from "./list-folder.ts";
import { uploadDataPath, uploadPath, uploadStartedAtPath, uploadsPath } from "./paths.ts";
import { removeFolderExactly } from "./remove-folder.ts";
import { fileSizeBytes, readSmallFile } from "./small-file.ts";
import { Upload, type UploadParts } from "./upload.ts";
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
   * Begins an upload that only the caller will ever know: `append` with `whole` and `finish` or `cancel` follow. Where the
   * blob is written to its place at once, nothing else is stored of it.
   */
  async startWhole(whole: WholeBody): Promise<Upload> {
    if (!isWrittenDirectly(this.#driver, whole.sizeBytes)) {
      return await this.start(digestAlgorithm(whole.digest));
    }
    return this.#open(randomUUID(), 0, { leavesNoTrace: true });
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
    const path = uploadDataPath(this.#repository, uuid);
    if (hasUnfinishedWrites(this.#driver)) {
      // The writer finds out what there is, and may be needed next.
      const writer = await this.#writerIfAllowed(path);
      const sizeBytes = writer?.sizeBytes ?? (await this.#driver.unfinishedBytes(path)) ?? 0;
      return this.#open(uuid, sizeBytes, { hashed, writer });
    }
    return this.#open(uuid, (await fileSizeBytes(this.#driver, path)) ?? 0, { hashed });
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
    if (hasUnfinishedWrites(this.#driver)) {
      await this.#driver.abandonUnfinished(uploadDataPath(this.#repository, uuid));
    }
    await removeFolderExactly(this.#driver, uploadPath(this.#repository, uuid));
  }

  async #writerIfAllowed(path: string): Promise<FileWriter | undefined> {
    try {
      return await this.#driver.openWriter(path, { append: true });
    } catch (error) {
      if (error instanceof ReadOnlyStoreError) return undefined;
      throw error;
    }
  }

  #open(
    uuid: string,
    sizeBytes: number,
    more: Pick<UploadParts, "hashed" | "writer" | "leavesNoTrace"> = {},
  ): Upload {
    return new Upload(uuid, sizeBytes, {
      driver: this.#driver,
      repository: this.#repository,
      blobs: this.#blobs,
      hashes: this.#hashes,
      ...more,
    });
  }
}
