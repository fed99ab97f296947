import { CancelledError, DigestMismatchError } from "../errors.ts";
import { type Digest, digestAlgorithm } from "../oci/digest.ts";
import type { FileWriter, StorageDriver } from "../storage/driver.ts";
import { movesByCopying } from "../storage/object-store-abilities.ts";
import { blobDataPath } from "./paths.ts";
import { UploadHash } from "./upload-hash.ts";

/** The most that is written to its place: what larger files take of memory at a time is unknown. */
const MAX_DIRECT_BYTES = 256 * 1024 ** 3;

/** What is known of a body before its first byte. */
export interface WholeBody {
  digest: Digest;
  /** Undefined: any. */
  sizeBytes: number | undefined;
}

/**
 * Tells whether a body that is a whole blob is to be written to its place at once: where moving it there would copy it.
 * Nobody can go on with what has come of it, so that is for bodies of known size only.
 */
export function isWrittenDirectly(driver: StorageDriver, sizeBytes: number | undefined): boolean {
  return movesByCopying(driver) && sizeBytes !== undefined && sizeBytes <= MAX_DIRECT_BYTES;
}

/**
 * A blob on its way to its place, where nothing is visible before the bytes are all there and have the digest. Ended by
 * `finish` or `cancel`.
 */
export class DirectBlob {
  readonly #digest: Digest;
  readonly #writer: FileWriter;
  readonly #hash: UploadHash;

  private constructor(digest: Digest, writer: FileWriter) {
    this.#digest = digest;
    this.#writer = writer;
    this.#hash = new UploadHash(digestAlgorithm(digest));
  }

  /**
   * Takes all bytes of a blob.
   *
   * @throws whatever `body` and the store throw; nothing is left then
   * @throws {CancelledError} if `signal` is aborted
   */
  static async receive(
    driver: StorageDriver,
    body: AsyncIterable<Uint8Array>,
    whole: WholeBody,
    signal: AbortSignal | undefined,
  ): Promise<DirectBlob> {
    const { digest, sizeBytes } = whole;
    const writer = await driver.openWriter(blobDataPath(digest), { expectedBytes: sizeBytes });
    const blob = new DirectBlob(digest, writer);
    try {
      for await (const chunk of body) {
        if (signal?.aborted) throw new CancelledError("the upload was aborted", { cause: signal.reason });
        const written = writer.write(chunk);
        blob.#hash.update(chunk);
        await written;
      }
    } catch (error) {
      await blob.cancel();
      throw error;
    }
    return blob;
  }

  /** Bytes so far. */
  get sizeBytes(): number {
    return this.#writer.sizeBytes;
  }

  /**
   * Makes the blob visible; durable when it resolves.
   *
   * @throws {DigestMismatchError} if the bytes have not `digest`, or are not on their way to its place; nothing is left then
   */
  async finish(digest: Digest): Promise<void> {
    const actual = this.#hash.digest();
    const isRight = actual === digest && digest === this.#digest;
    if (!isRight || this.#hash.hashedBytes !== this.#writer.sizeBytes) {
      await this.cancel();
      throw new DigestMismatchError(digest, actual, "the uploaded content");
    }
    try {
      await this.#writer.commit();
    } catch (error) {
      await this.cancel();
      throw error;
    }
  }

  /** Leaves nothing. What a store that has failed keeps is purged later. */
  async cancel(): Promise<void> {
    await this.#writer.cancel().catch(() => undefined);
  }
}
