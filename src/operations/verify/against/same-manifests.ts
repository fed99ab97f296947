import { createHash } from "node:crypto";
import type { Digest } from "../../../oci/digest.ts";
import { DigestSet } from "../../../registry/graph/digest-set.ts";
import { DigestTable } from "../../../registry/graph/digest-table.ts";
import { readSmallFile } from "../../../registry/small-file.ts";
import type { StorageDriver } from "../../../storage/driver.ts";
import type { FileFacts } from "./store-side.ts";

/** Nearly all manifests are smaller; larger blobs would take longer to read here than their manifests do there. */
const SMALL_BYTES = 64 * 1024;

/**
 * Whether manifests have the same bytes in a bucket as on the disk that they were copied from, by the MD5 that the bucket's
 * listing brings. Blobs come first: which of them are manifests, the links of repositories tell.
 */
export class SameManifests {
  readonly #disk: StorageDriver;
  readonly #table = new DigestTable();
  readonly #same = new DigestSet();
  #areAllSame = true;

  /** @param disk - where reading a small file is no request */
  constructor(disk: StorageDriver) {
    this.#disk = disk;
  }

  /** No link was seen to a blob that is not known to be the same. */
  get areAllSame(): boolean {
    return this.#areAllSame;
  }

  /** Compares a blob of equal size. Never rejects: what cannot be read is not known to be the same. */
  async compareBlob(path: string, digest: Digest, { sizeBytes, md5 }: FileFacts): Promise<void> {
    if (sizeBytes > SMALL_BYTES || md5 === undefined) return;
    const bytes = await readSmallFile(this.#disk, path, SMALL_BYTES).catch(() => undefined);
    if (bytes === undefined || createHash("md5").update(bytes).digest("hex") !== md5) return;
    this.#same.add(this.#table.intern(digest));
  }

  /** Takes in that a repository has this manifest. */
  noteManifest(digest: Digest): void {
    if (!this.#same.has(this.#table.intern(digest))) this.#areAllSame = false;
  }
}
