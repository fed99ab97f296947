import { CancelledError, StorageFullError, StorageUnavailableError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { Digest } from "../../oci/digest.ts";
import { copyBlob } from "../../registry/copy/copy-blob.ts";
import { type CopyContext, type CopyOutcome, MAX_WHOLE_BYTES } from "../../registry/copy/copy-context.ts";
import { blobDataPath } from "../../registry/paths.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { FileTooLargeError } from "../../storage/errors.ts";

/** Large blobs at a time: a store takes several parts of each at once. */
const LARGE_AT_ONCE = 4;
/** After so many failures without a success in between a store is taken for gone. */
const MAX_FAILURES_IN_A_ROW = 20;

/** A blob to be copied. */
export interface WantedBlob {
  digest: Digest;
  /** As somebody said; -1 if nobody did. */
  sizeBytes: number;
}

/** What became of a blob. */
export type BlobOutcome = CopyOutcome | { kind: "failed"; detail: string };

/**
 * Copies blobs from one store to another: small ones many at a time, large ones a few. All bytes come by here and are
 * compared with the digest, also where a store could copy by itself.
 *
 * @param onOutcome - told of each blob
 * @throws {StorageFullError}
 * @throws {StorageUnavailableError} if nothing succeeds any more
 * @throws {CancelledError}
 */
export class BlobCopier {
  readonly #source: StorageDriver;
  readonly #target: StorageDriver;
  readonly #context: CopyContext;
  readonly #concurrency: number;
  #failuresInARow = 0;

  constructor(
    source: StorageDriver,
    target: StorageDriver,
    options: { signal: AbortSignal; concurrency: number; spend?: CopyContext["spend"] },
  ) {
    this.#source = source;
    this.#target = target;
    this.#context = { signal: options.signal, spend: options.spend, hashesAll: true };
    this.#concurrency = options.concurrency;
  }

  /** @param onOutcome - told of each blob */
  async copyAll(
    blobs: Iterable<WantedBlob>,
    onOutcome: (blob: WantedBlob, outcome: BlobOutcome) => void,
  ): Promise<void> {
    const large: WantedBlob[] = [];
    const copyOne = async (blob: WantedBlob): Promise<void> => onOutcome(blob, await this.copy(blob));
    const small = function* (): Generator<WantedBlob> {
      for (const blob of blobs) {
        if (blob.sizeBytes >= 0 && blob.sizeBytes <= MAX_WHOLE_BYTES) yield blob;
        else large.push(blob);
      }
    };
    await forEachConcurrently(small(), this.#concurrency, copyOne);
    await forEachConcurrently(large, LARGE_AT_ONCE, copyOne);
  }

  /** Copies one blob. */
  async copy({ digest, sizeBytes }: WantedBlob): Promise<BlobOutcome> {
    if (this.#context.signal.aborted) throw new CancelledError();
    const path = blobDataPath(digest);
    const blob = { digest, from: path, to: path };
    try {
      const said = sizeBytes < 0 ? undefined : sizeBytes;
      const outcome = await copyBlob(this.#source, this.#target, { ...blob, sizeBytes: said }, this.#context)
        // Somebody said wrongly that it is small.
        .catch((error: unknown) => {
          if (!(error instanceof FileTooLargeError)) throw error;
          return copyBlob(this.#source, this.#target, { ...blob, sizeBytes: undefined }, this.#context);
        });
      this.#failuresInARow = 0;
      return outcome;
    } catch (error) {
      if (error instanceof CancelledError || error instanceof StorageFullError) throw error;
      if (this.#context.signal.aborted) throw new CancelledError();
      this.#failuresInARow++;
      if (!(error instanceof StorageUnavailableError) || this.#failuresInARow > MAX_FAILURES_IN_A_ROW)
        throw error;
      return { kind: "failed", detail: messageOf(error) };
    }
  }
}
