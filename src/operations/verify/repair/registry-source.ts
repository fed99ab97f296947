import { createHash } from "node:crypto";
import type { RegistryBody, RegistryReader } from "../../../client/registry/registry-reader.ts";
import { CancelledError, StorageFullError, StorageUnavailableError } from "../../../errors.ts";
import { messageOf } from "../../../lib/message-of.ts";
import { digestAlgorithm, digestFromHex } from "../../../oci/digest.ts";
import type { StorageDriver } from "../../../storage/driver.ts";
import type { BlobSource, WantedBlob } from "./blob-source.ts";
import { BlobNotFetchedError } from "./fetch-errors.ts";

/** A transfer that breaks off is begun anew so often. */
const ATTEMPTS = 4;

/** Another registry, from which blobs are fetched over its HTTP API, out of the repositories that need them. */
export class RegistrySource implements BlobSource {
  readonly #reader: RegistryReader;

  constructor(reader: RegistryReader) {
    this.#reader = reader;
  }

  get name(): string {
    return this.#reader.name;
  }

  async lookFor(
    { digest, isManifest, repositories }: WantedBlob,
    signal: AbortSignal | undefined,
  ): Promise<{ sizeBytes: number | undefined } | undefined> {
    for (const repository of repositories) {
      const found = await this.#reader.lookFor({ repository, reference: digest, isManifest }, signal);
      if (found) return found;
    }
    return undefined;
  }

  async copyTo(target: StorageDriver, path: string, blob: WantedBlob, signal: AbortSignal): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#copyOnce(target, path, blob, signal);
      } catch (error) {
        if (signal.aborted) throw new CancelledError();
        const isFinal =
          error instanceof CancelledError ||
          error instanceof StorageFullError ||
          error instanceof StorageUnavailableError;
        if (isFinal || attempt === ATTEMPTS) throw error;
      }
    }
  }

  async #copyOnce(
    target: StorageDriver,
    path: string,
    { digest, isManifest, repositories, sizeBytes: expected }: WantedBlob,
    signal: AbortSignal,
  ): Promise<number> {
    const body = await this.#open({ digest, isManifest, repositories, sizeBytes: expected }, signal);
    const sizeBytes = body.sizeBytes ?? expected;
    if (expected !== undefined && sizeBytes !== expected) {
      body.stream.destroy();
      throw new BlobNotFetchedError(`${this.name} sends ${sizeBytes} bytes of ${digest}, not ${expected}`);
    }
    const algorithm = digestAlgorithm(digest);
    const hash = createHash(algorithm);
    const writer = await target.openWriter(path, { expectedBytes: sizeBytes, signal });
    try {
      for await (const chunk of chunksOf(body)) {
        hash.update(chunk);
        await writer.write(chunk);
        if (sizeBytes !== undefined && writer.sizeBytes > sizeBytes) break;
      }
      const actual = digestFromHex(algorithm, hash.digest("hex"));
      if (actual !== digest || (sizeBytes !== undefined && writer.sizeBytes !== sizeBytes)) {
        throw new BlobNotFetchedError(
          `${this.name} sends ${writer.sizeBytes} bytes with the digest ${actual} for ${digest}`,
        );
      }
      await writer.commit();
      return writer.sizeBytes;
    } catch (error) {
      body.stream.destroy();
      await writer.cancel().catch(() => undefined);
      throw error;
    }
  }

  async #open(blob: WantedBlob, signal: AbortSignal): Promise<RegistryBody> {
    const { digest, isManifest } = blob;
    for (const repository of blob.repositories) {
      const body = await this.#reader.open({ repository, reference: digest, isManifest }, signal);
      if (body) return body;
    }
    throw new BlobNotFetchedError(`${this.name} does not have ${digest}`);
  }
}

/** @throws {BlobNotFetchedError} if the body breaks off */
async function* chunksOf({ stream }: RegistryBody): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) yield Buffer.from(chunk);
  } catch (error) {
    throw new BlobNotFetchedError(`the transfer broke off: ${messageOf(error)}`, { cause: error });
  }
  if (!stream.complete) throw new BlobNotFetchedError("the transfer broke off");
}
