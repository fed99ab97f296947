import type { Digest } from "../../../oci/digest.ts";
import type { StorageDriver } from "../../../storage/driver.ts";

/** What is wanted of another store or registry. */
export interface WantedBlob {
  digest: Digest;
  isManifest: boolean;
  /** In which repositories to ask for it. */
  repositories: readonly string[];
  /** How large it must be; undefined: not known. */
  sizeBytes: number | undefined;
}

/** Where blobs that are missing are fetched from. */
export interface BlobSource {
  /** For people, without credentials. */
  readonly name: string;
  /**
   * Looks whether it has a blob.
   *
   * @returns its size as far as that is told; undefined if it does not have it
   * @throws {RegistryCtlError} if that cannot be told
   */
  lookFor(
    blob: WantedBlob,
    signal: AbortSignal | undefined,
  ): Promise<{ sizeBytes: number | undefined } | undefined>;
  /**
   * Copies a blob. Nothing is visible at the path unless the bytes have the digest and the size.
   *
   * @throws {BlobNotFetchedError} if it does not have the blob, or its bytes are wrong
   * @throws {CancelledError}
   */
  copyTo(target: StorageDriver, path: string, blob: WantedBlob, signal: AbortSignal): Promise<number>;
}
