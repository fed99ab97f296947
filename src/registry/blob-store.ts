import type { Readable } from "node:stream";
import { PathNotFoundError } from "../errors.ts";
import { type Digest, digestAlgorithm } from "../oci/digest.ts";
import { hasFastReads, type OpenedFile } from "../storage/abilities.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { canPresign } from "../storage/object-store-abilities.ts";
import { BlobUnknownError, BrokenLinkError } from "./errors.ts";
import { readLink, writeLink } from "./link.ts";
import { blobDataPath, layerFolderPath, layerLinkPath } from "./paths.ts";
import type { Repository } from "./repository.ts";
import { deleteIfThere, fileSizeBytes, removeIfEmpty } from "./small-file.ts";

/** A blob that exists. */
export interface BlobInfo {
  digest: Digest;
  sizeBytes: number;
}

/**
 * The blobs of one repository: those that a layer link of it names. A manifest is no blob here, as in the Go registry:
 * a client that was told it is one would list it as a layer, and its link would go with the manifest.
 */
export class BlobStore {
  readonly #driver: StorageDriver;
  readonly #repository: string;

  constructor(driver: StorageDriver, repository: string) {
    this.#driver = driver;
    this.#repository = repository;
  }

  /** @throws {BlobUnknownError} unless both the link and the data exist */
  async stat(digest: Digest): Promise<BlobInfo> {
    const sizeBytes = await this.sizeBytes(digest);
    if (sizeBytes === undefined) throw new BlobUnknownError(this.#repository, digest);
    return { digest, sizeBytes };
  }

  /** @returns the size of a blob, always from the store; undefined unless both the link and the data exist */
  async sizeBytes(digest: Digest): Promise<number | undefined> {
    const stored = await this.storedDigest(digest);
    return stored === undefined ? undefined : await this.#storedBytes(stored);
  }

  /**
   * Opens a blob for streaming; resolves when it is known to exist.
   * @param range - which part; the whole blob if left out
   * @throws {BlobUnknownError}
   * @throws {InvalidOffsetError} if the range begins beyond the end
   */
  async open(
    digest: Digest,
    range?: { offset: number; lengthBytes: number },
    signal?: AbortSignal,
  ): Promise<Readable> {
    const stored = await this.storedDigest(digest);
    if (stored === undefined) throw new BlobUnknownError(this.#repository, digest);
    try {
      return await this.#driver.read(blobDataPath(stored), { ...range, ...(signal ? { signal } : {}) });
    } catch (error) {
      if (!(error instanceof PathNotFoundError)) throw error;
      throw new BlobUnknownError(this.#repository, digest, { cause: error });
    }
  }

  /**
   * Opens a blob for reads into buffers of the caller, which is faster than a stream.
   * @returns undefined if the store has no such reads; {@link BlobStore.open} serves then
   * @throws {BlobUnknownError}
   */
  async openFile(digest: Digest): Promise<OpenedFile | undefined> {
    if (!hasFastReads(this.#driver)) return undefined;
    const stored = await this.storedDigest(digest);
    if (stored === undefined) throw new BlobUnknownError(this.#repository, digest);
    try {
      return await this.#driver.openFile(blobDataPath(stored));
    } catch (error) {
      if (!(error instanceof PathNotFoundError)) throw error;
      throw new BlobUnknownError(this.#repository, digest, { cause: error });
    }
  }

  /**
   * Makes an address at the store itself, at which anybody can read a blob that is known to exist.
   * @param expiresMs - how long, from now on
   * @returns undefined if the store has no such addresses
   * @throws {BlobUnknownError} if its link has gone meanwhile, as far as it is read
   */
  async addressOf(digest: Digest, expiresMs: number): Promise<string | undefined> {
    if (!canPresign(this.#driver)) return undefined;
    // The link of a SHA-256 names no other digest, so that it is not looked at again.
    const stored = digestAlgorithm(digest) === "sha256" ? digest : await this.storedDigest(digest);
    if (stored === undefined) throw new BlobUnknownError(this.#repository, digest);
    return this.#driver.presignRead(blobDataPath(stored), expiresMs);
  }

  /**
   * Makes a stored blob part of the repository; durable when it resolves. The link is written again even if it exists:
   * its new modification time keeps an old blob that is pushed again from the collector.
   */
  async link(digest: Digest): Promise<void> {
    await writeLink(this.#driver, layerLinkPath(this.#repository, digest), digest);
  }

  /**
   * Takes a blob out of the repository; its data stays for the collector.
   * @throws {BlobUnknownError} if there is no link
   */
  async unlink(digest: Digest): Promise<void> {
    if (!(await deleteIfThere(this.#driver, layerLinkPath(this.#repository, digest)))) {
      throw new BlobUnknownError(this.#repository, digest);
    }
    await removeIfEmpty(this.#driver, layerFolderPath(this.#repository, digest));
  }

  /**
   * Makes a blob of another repository part of this one, without copying.
   * @returns undefined, with nothing changed, if the source does not have it
   */
  async mountFrom(source: Repository, digest: Digest): Promise<BlobInfo | undefined> {
    const stored = await source.blobs.storedDigest(digest);
    const sizeBytes = stored === undefined ? undefined : await this.#storedBytes(stored);
    if (stored === undefined || sizeBytes === undefined) return undefined;
    await writeLink(this.#driver, layerLinkPath(this.#repository, digest), stored);
    return { digest, sizeBytes };
  }

  /**
   * Makes a blob part of this repository if any repository has ever stored it. Who may not see all repositories must
   * not be allowed to call this, since it tells whether the blob exists.
   * @returns undefined, with nothing changed, if the data is not stored
   */
  async linkIfStored(digest: Digest): Promise<BlobInfo | undefined> {
    const sizeBytes = await this.#storedBytes(digest);
    if (sizeBytes === undefined) return undefined;
    await this.link(digest);
    return { digest, sizeBytes };
  }

  /**
   * Under which digest the data of a linked blob is stored. What the Go registry 2.8 got under another digest than
   * SHA-256 it stores under its SHA-256, and the link says so; we store it under its own. A link under SHA-256 need not
   * be read.
   *
   * @returns undefined if there is no link, or an unreadable one under another digest than SHA-256
   * @see https://github.com/distribution/distribution/blob/v2.8.2/registry/storage/linkedblobstore.go
   */
  async storedDigest(digest: Digest): Promise<Digest | undefined> {
    const path = layerLinkPath(this.#repository, digest);
    if (digestAlgorithm(digest) === "sha256") {
      return (await fileSizeBytes(this.#driver, path)) === undefined ? undefined : digest;
    }
    try {
      return await readLink(this.#driver, path);
    } catch (error) {
      if (error instanceof BrokenLinkError) return undefined;
      throw error;
    }
  }

  #storedBytes(digest: Digest): Promise<number | undefined> {
    return fileSizeBytes(this.#driver, blobDataPath(digest));
  }
}
