import { RegistryAnswerError } from "../../client/registry/registry-errors.ts";
import type { RegistryReader } from "../../client/registry/registry-reader.ts";
import { CancelledError } from "../../errors.ts";
import { type Digest, digestAlgorithm, digestOf } from "../../oci/digest.ts";
import type { ManifestContent } from "./manifest-content.ts";

/** Registries take no larger ones; the Go registry's limit is 4 MiB. */
export const MAX_HTTP_MANIFEST_BYTES = 16 * 1024 * 1024;

/** What a repository of a registry has, over HTTP. */
export class HttpContent implements ManifestContent {
  readonly #reader: RegistryReader;
  readonly #repository: string;
  readonly #signal: AbortSignal | undefined;
  #failure: RegistryAnswerError | undefined;

  constructor(reader: RegistryReader, repository: string, signal: AbortSignal | undefined) {
    this.#reader = reader;
    this.#repository = repository;
    this.#signal = signal;
  }

  /**
   * @throws {RegistryAnswerError} if the registry has not answered for good: it is not to be asked for everything else too
   * @throws {CancelledError}
   */
  check(): void {
    if (this.#failure) throw this.#failure;
    if (this.#signal?.aborted) throw new CancelledError();
  }

  manifest(digest: Digest): Promise<Uint8Array | undefined> {
    return this.#read(digest, { isManifest: true, maxBytes: MAX_HTTP_MANIFEST_BYTES });
  }

  async config(digest: Digest, maxBytes: number): Promise<Uint8Array | undefined> {
    const bytes = await this.#read(digest, { isManifest: false, maxBytes });
    if (bytes === undefined) return undefined;
    const actual = digestOf(bytes, digestAlgorithm(digest));
    if (actual === digest) return bytes;
    throw new RegistryAnswerError(`${this.#reader.name} sends bytes with the digest ${actual} for ${digest}`);
  }

  async sizeBytes(digest: Digest): Promise<number | undefined> {
    const content = { repository: this.#repository, reference: digest, isManifest: false };
    return (await this.#watched(() => this.#reader.lookFor(content, this.#signal)))?.sizeBytes;
  }

  #read(
    reference: Digest,
    { isManifest, maxBytes }: { isManifest: boolean; maxBytes: number },
  ): Promise<Uint8Array | undefined> {
    const content = { repository: this.#repository, reference, isManifest };
    return this.#watched(() => this.#reader.read(content, maxBytes, this.#signal));
  }

  async #watched<T>(ask: () => Promise<T>): Promise<T> {
    this.check();
    try {
      return await ask();
    } catch (error) {
      if (error instanceof RegistryAnswerError && error.isPassing) this.#failure = error;
      throw error;
    }
  }
}
