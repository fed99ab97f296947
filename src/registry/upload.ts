import type { LRUCache } from "lru-cache";
import { CancelledError, DigestMismatchError } from "../errors.ts";
import { type Digest, type DigestAlgorithm, digestAlgorithm } from "../oci/digest.ts";
import { hasEmptyFolders } from "../storage/abilities.ts";
import type { FileWriter, StorageDriver } from "../storage/driver.ts";
import { hasUnfinishedWrites } from "../storage/object-store-abilities.ts";
import type { BlobInfo, BlobStore } from "./blob-store.ts";
import { DirectBlob, isWrittenDirectly, type WholeBody } from "./direct-blob.ts";
import { UploadInvalidError, UploadUnknownError } from "./errors.ts";
import { blobDataPath, uploadDataPath, uploadPath, uploadStartedAtPath } from "./paths.ts";
import { removeFolderExactly } from "./remove-folder.ts";
import { deleteIfThere, fileSizeBytes } from "./small-file.ts";
import { type HashedUpload, UploadHash } from "./upload-hash.ts";

/** What an upload works on. */
export interface UploadParts {
  driver: StorageDriver;
  repository: string;
  blobs: BlobStore;
  hashes: LRUCache<string, UploadHash>;
  /** What the process that wrote last says of it; good as long as the upload has that size. */
  hashed?: HashedUpload | undefined;
  /** Opened already, where only that tells how much there is. */
  writer?: FileWriter | undefined;
  /** Nothing of it is in the store, and will not be before it is a blob. */
  leavesNoTrace?: boolean;
}

/**
 * A blob while it is received. The data lies in the store from the first byte on, so that the upload can be resumed by
 * any process; the hash is computed while it is written.
 *
 * There must be no other user of the same upload at the same time, in any process: two writers could store wrong bytes
 * under a right digest. `finish` and `cancel` end the upload, `close` leaves it; afterwards this object is spent.
 */
export class Upload {
  readonly uuid: string;
  readonly #parts: UploadParts;
  readonly #dataPath: string;
  #sizeBytes: number;
  #writer: FileWriter | undefined;
  #direct: DirectBlob | undefined;
  #isSpent = false;

  constructor(uuid: string, sizeBytes: number, parts: UploadParts) {
    this.uuid = uuid;
    this.#sizeBytes = sizeBytes;
    this.#parts = parts;
    this.#writer = parts.writer;
    this.#dataPath = uploadDataPath(parts.repository, uuid);
    if (parts.writer !== undefined) this.#forgetUnlessOf(parts.writer);
  }

  /** How many bytes the store has of it. */
  get sizeBytes(): number {
    return this.#direct?.sizeBytes ?? this.#sizeBytes;
  }

  /** The digest of all that is stored, where it is known without reading: for the next process that goes on. */
  get hashed(): HashedUpload | undefined {
    const { hashes, hashed } = this.#parts;
    const sizeBytes = this.#sizeBytes;
    const own = hashes.get(this.uuid);
    if (own?.hashedBytes === sizeBytes && sizeBytes > 0) {
      return { sizeBytes, digest: own.digest(), contentTag: own.contentTag };
    }
    return hashed?.sizeBytes === sizeBytes ? hashed : undefined;
  }

  /**
   * Appends a stream. If that fails, because the stream breaks off or the store is full, what was written stays, and
   * `sizeBytes` tells how much that is.
   *
   * @param signal - is looked at between chunks: who aborts it must also see to it that `body` ends
   * @param whole - given if `finish` with that digest will follow. A store that moves by copying then takes what is the
   *   whole blob right where it belongs, and keeps nothing of it if it fails.
   * @returns the size of the upload afterwards
   * @throws {UploadUnknownError} if the upload has ended
   * @throws {CancelledError} if `signal` is aborted
   * @throws whatever `body` throws
   */
  async append(body: AsyncIterable<Uint8Array>, signal?: AbortSignal, whole?: WholeBody): Promise<number> {
    if (whole !== undefined && this.#isWrittenDirectly(whole)) {
      this.#direct = await DirectBlob.receive(this.#parts.driver, body, whole, signal);
      return this.#direct.sizeBytes;
    }
    const writer = await this.#openWriter();
    const hash = this.#hashToContinue();
    try {
      for await (const chunk of body) {
        if (signal?.aborted) throw new CancelledError("the upload was aborted", { cause: signal.reason });
        const written = writer.write(chunk);
        // While the system writes: hashing is the slower of the two.
        hash?.update(chunk);
        await written;
        this.#sizeBytes = writer.sizeBytes;
      }
    } catch (error) {
      await this.#closeAfter(writer);
      throw error;
    }
    return this.#sizeBytes;
  }

  /**
   * Makes the blob: checks the digest over all stored bytes, puts the data in its place, links it into the repository
   * and removes the upload; everything is durable before it resolves. Bytes that this process has not hashed are read
   * from the store.
   *
   * Data that is already stored under the digest is replaced by the equal new data. That costs a rename, mends it if it
   * is damaged, renews its modification time, which the collector looks at, and makes it durable even if another
   * process has only just written it.
   *
   * @throws {DigestMismatchError} if the bytes have another digest; the upload is removed
   * @throws {UploadInvalidError} if bytes are missing in the store, or have changed meanwhile; the upload is removed
   * @throws {UploadUnknownError} if the upload has ended
   */
  async finish(digest: Digest): Promise<BlobInfo> {
    if (this.#direct !== undefined) return await this.#finishDirect(digest, this.#direct);
    const { driver, blobs } = this.#parts;
    const writer = await this.#openWriter();
    try {
      const content = await writer.wholeContent?.();
      if (content !== undefined) return await this.#finishSmall(digest, writer, content);
      await this.#checkBeforeCommit(digest, writer);
      await writer.commit();
      this.#writer = undefined;
    } catch (error) {
      if (!this.#isSpent) await this.#closeAfter(writer);
      throw error;
    }
    const actual = await this.#digestOfAll(digestAlgorithm(digest), writer);
    if (actual !== digest) {
      await this.#remove();
      throw new DigestMismatchError(digest, actual, "the uploaded content");
    }
    await driver.move(this.#dataPath, blobDataPath(digest), writer.contentTag);
    await blobs.link(digest);
    await this.#remove();
    return { digest, sizeBytes: writer.sizeBytes };
  }

  /** Ends the upload and removes what was received. Cancelling an ended upload has no effect. */
  async cancel(): Promise<void> {
    if (this.#isSpent) return;
    const { driver } = this.#parts;
    await this.#direct?.cancel();
    if (this.#writer !== undefined) await this.#writer.cancel();
    else if (hasUnfinishedWrites(driver)) await driver.abandonUnfinished(this.#dataPath);
    await this.#remove();
  }

  /** Leaves the upload to whoever resumes it. Closing again, or closing an ended upload, has no effect. */
  async close(): Promise<void> {
    if (this.#isSpent) return;
    this.#isSpent = true;
    const writer = this.#writer;
    this.#writer = undefined;
    await this.#direct?.cancel();
    this.#direct = undefined;
    if (writer === undefined) return;
    await writer.close();
    this.#remember(writer);
  }

  #isWrittenDirectly({ sizeBytes }: WholeBody): boolean {
    return !this.#isSpent && this.#sizeBytes === 0 && isWrittenDirectly(this.#parts.driver, sizeBytes);
  }

  async #finishDirect(digest: Digest, direct: DirectBlob): Promise<BlobInfo> {
    const { sizeBytes } = direct;
    try {
      await direct.finish(digest);
    } catch (error) {
      this.#direct = undefined;
      if (error instanceof DigestMismatchError) await this.#remove();
      throw error;
    }
    this.#direct = undefined;
    await this.#parts.blobs.link(digest);
    await this.#writer?.cancel();
    await this.#remove();
    return { digest, sizeBytes };
  }

  /** What is at hand anyway is written where it belongs, and hashed as it is written: some of it was read back. */
  async #finishSmall(digest: Digest, writer: FileWriter, content: Uint8Array): Promise<BlobInfo> {
    const { driver, blobs } = this.#parts;
    const hash = new UploadHash(digestAlgorithm(digest));
    hash.update(content);
    const actual = hash.digest();
    if (actual === digest) {
      await driver.put(blobDataPath(digest), content);
      await blobs.link(digest);
    }
    const sizeBytes = content.length;
    // What it cannot remove goes with the folder.
    await writer.cancel().catch(() => undefined);
    await this.#remove();
    if (actual !== digest) throw new DigestMismatchError(digest, actual, "the uploaded content");
    return { digest, sizeBytes };
  }

  /** Where a commit costs many requests, it is not made for what is known to be wrong. */
  async #checkBeforeCommit(digest: Digest, writer: FileWriter): Promise<void> {
    const { driver } = this.#parts;
    const { hashed } = this;
    if (!hasUnfinishedWrites(driver) || hashed === undefined || hashed.sizeBytes !== writer.sizeBytes) return;
    if (hashed.digest === digest || digestAlgorithm(hashed.digest) !== digestAlgorithm(digest)) return;
    await writer.cancel();
    await this.#remove();
    throw new DigestMismatchError(digest, hashed.digest, "the uploaded content");
  }

  async #openWriter(): Promise<FileWriter> {
    if (this.#isSpent) throw new UploadUnknownError(this.#parts.repository, this.uuid);
    if (this.#writer === undefined) {
      this.#writer = await this.#parts.driver.openWriter(this.#dataPath, { append: true });
      this.#forgetUnlessOf(this.#writer);
    }
    this.#sizeBytes = this.#writer.sizeBytes;
    return this.#writer;
  }

  /** Another host may have written since: what was hashed counts only for the very bytes that the writer found. */
  #forgetUnlessOf(writer: FileWriter): void {
    if (!("contentTag" in writer)) return;
    const { hashes, hashed } = this.#parts;
    const isOf = (tag: string | undefined): boolean => tag !== undefined && tag === writer.contentTag;
    const own = hashes.get(this.uuid);
    if (own !== undefined && own.hashedBytes > 0 && !isOf(own.contentTag)) hashes.delete(this.uuid);
    if (hashed !== undefined && !isOf(hashed.contentTag)) this.#parts.hashed = undefined;
  }

  /** For the next one who goes on, after the writer has been closed. */
  #remember(writer: FileWriter): void {
    const own = this.#parts.hashes.get(this.uuid);
    if (own !== undefined) own.contentTag = writer.contentTag;
  }

  /** The hash of exactly what is stored so far, if this process has it. */
  #hashToContinue(): UploadHash | undefined {
    const { hashes } = this.#parts;
    const known = hashes.get(this.uuid);
    if (known?.hashedBytes === this.#sizeBytes) return known;
    if (this.#sizeBytes > 0) return undefined;
    const fresh = new UploadHash(known?.algorithm ?? "sha256");
    hashes.set(this.uuid, fresh);
    return fresh;
  }

  /** Ends a writer that failed. What it hashed and what it stored may differ by a part of the last chunk. */
  async #closeAfter(writer: FileWriter): Promise<void> {
    this.#writer = undefined;
    this.#sizeBytes = writer.sizeBytes;
    try {
      await writer.close();
      this.#remember(writer);
      this.#sizeBytes = (await this.#receivedBytes()) ?? writer.sizeBytes;
    } catch {
      // The first error is the one to be told.
    }
    const hashedBytes = this.#parts.hashes.get(this.uuid)?.hashedBytes ?? 0;
    if (hashedBytes > this.#sizeBytes) this.#parts.hashes.delete(this.uuid);
  }

  async #digestOfAll(algorithm: DigestAlgorithm, writer: FileWriter): Promise<Digest> {
    const { sizeBytes } = writer;
    const { hashed } = this;
    const isKnown = hashed?.sizeBytes === sizeBytes && digestAlgorithm(hashed.digest) === algorithm;
    const { sizeBytes: hashedBytes, digest } = isKnown ? hashed : await this.#hashRest(algorithm, writer);
    const storedBytes = await this.#storedBytes();
    if (storedBytes === sizeBytes && hashedBytes === sizeBytes) return digest;
    await this.#remove();
    const found = `${storedBytes ?? "no"} bytes are stored, ${hashedBytes} were hashed, expected ${sizeBytes}`;
    throw new UploadInvalidError(this.uuid, found);
  }

  /** Reads what this process has not hashed. */
  async #hashRest(algorithm: DigestAlgorithm, { sizeBytes, contentTag }: FileWriter): Promise<HashedUpload> {
    const { driver, hashes } = this.#parts;
    const known = hashes.get(this.uuid);
    const isUsable = known?.algorithm === algorithm && known.hashedBytes <= sizeBytes;
    const hash = isUsable ? known : new UploadHash(algorithm);
    hashes.delete(this.uuid);
    if (hash.hashedBytes < sizeBytes) {
      await hash.updateFrom(await driver.read(this.#dataPath, { offset: hash.hashedBytes, contentTag }));
    }
    hashes.set(this.uuid, hash);
    return { sizeBytes: hash.hashedBytes, digest: hash.digest() };
  }

  #storedBytes(): Promise<number | undefined> {
    return fileSizeBytes(this.#parts.driver, this.#dataPath);
  }

  /** What whoever goes on will find. */
  #receivedBytes(): Promise<number | undefined> {
    const { driver } = this.#parts;
    return hasUnfinishedWrites(driver) ? driver.unfinishedBytes(this.#dataPath) : this.#storedBytes();
  }

  /**
   * Removes everything of the upload. The start time goes last, because an upload without one is purged by nobody. What
   * else there may be, above all the Go registry's hash states, is looked for only if the folder does not go away.
   */
  async #remove(): Promise<void> {
    const { driver, repository, hashes, leavesNoTrace = false } = this.#parts;
    this.#isSpent = true;
    this.#writer = undefined;
    hashes.delete(this.uuid);
    if (leavesNoTrace) return;
    await deleteIfThere(driver, this.#dataPath);
    await deleteIfThere(driver, uploadStartedAtPath(repository, this.uuid));
    const folder = uploadPath(repository, this.uuid);
    if (hasEmptyFolders(driver) && (await driver.removeFolder(folder))) return;
    await removeFolderExactly(driver, folder);
  }
}
