import { createHash, type Hash } from "node:crypto";
import type { Readable } from "node:stream";
import type { DigestAlgorithm } from "../oci/digest.ts";
import { type Digest, parseDigest } from "../oci/digest.ts";

/** So many unfinished uploads have their hash state kept; that of others is made up from the store. */
export const MAX_HASH_STATES = 1024;

/** What the first bytes of an upload are, as told by whoever has hashed them. */
export interface HashedUpload {
  sizeBytes: number;
  digest: Digest;
  /** What the store's writer called these bytes, where it tells. */
  contentTag?: string | undefined;
}

/** The running hash of the first bytes of an upload. */
export class UploadHash {
  readonly algorithm: DigestAlgorithm;
  /** What the store's writer calls the hashed bytes, where it tells. */
  contentTag: string | undefined;
  readonly #hash: Hash;
  #hashedBytes = 0;

  constructor(algorithm: DigestAlgorithm) {
    this.algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  /** How many bytes, from the first one on, have been hashed. */
  get hashedBytes(): number {
    return this.#hashedBytes;
  }

  /** Hashes the bytes that follow. */
  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#hashedBytes += chunk.byteLength;
  }

  /** Hashes the rest of a file, which must begin where this hash ends. */
  async updateFrom(rest: Readable): Promise<void> {
    for await (const chunk of rest) this.update(chunk);
  }

  /** @returns the digest of all bytes so far; more may follow */
  digest(): Digest {
    return parseDigest(`${this.algorithm}:${this.#hash.copy().digest("hex")}`);
  }
}
