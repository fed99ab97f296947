import { copyBlob } from "../../../registry/copy/copy-blob.ts";
import type { CopyContext } from "../../../registry/copy/copy-context.ts";
import { blobDataPath } from "../../../registry/paths.ts";
import { fileSizeBytes } from "../../../registry/small-file.ts";
import type { StorageDriver } from "../../../storage/driver.ts";
import type { BlobSource, WantedBlob } from "./blob-source.ts";
import { BlobNotFetchedError } from "./fetch-errors.ts";

/** Another store, from which blobs are fetched. */
export class StoreSource implements BlobSource {
  readonly name: string;
  readonly #driver: StorageDriver;

  constructor(driver: StorageDriver) {
    this.#driver = driver;
    this.name = driver.location;
  }

  async lookFor({ digest }: WantedBlob): Promise<{ sizeBytes: number } | undefined> {
    const sizeBytes = await fileSizeBytes(this.#driver, blobDataPath(digest));
    return sizeBytes === undefined ? undefined : { sizeBytes };
  }

  async copyTo(
    target: StorageDriver,
    path: string,
    { digest, sizeBytes: expected }: WantedBlob,
    signal: AbortSignal,
  ): Promise<number> {
    const from = blobDataPath(digest);
    const sizeBytes = await fileSizeBytes(this.#driver, from);
    if (sizeBytes === undefined) throw new BlobNotFetchedError(`${this.name} does not have blob ${digest}`);
    if (expected !== undefined && sizeBytes !== expected) {
      throw new BlobNotFetchedError(
        `blob ${digest} has ${sizeBytes} bytes in ${this.name}, and ${expected} are expected`,
      );
    }
    // A copy that the store makes by itself would not be checked.
    const context: CopyContext = { signal, hashesAll: true };
    const outcome = await copyBlob(this.#driver, target, { digest, from, to: path, sizeBytes }, context);
    if (outcome.kind === "copied") return outcome.sizeBytes;
    const why = outcome.kind === "vanished" ? "it is not there any more" : outcome.why;
    throw new BlobNotFetchedError(`blob ${digest} in ${this.name} is of no use: ${why}`);
  }
}
