import type { CompletedPart, S3Client, UploadPartCommand } from "@aws-sdk/client-s3";
import { isCompletedEtag } from "../completed-etag.ts";
import { headObject } from "../s3-reads.ts";
import type { S3Store } from "../s3-store.ts";
import { bareEtag } from "./bare-etag.ts";

/** The SDK's commands, loaded at the first multipart upload. */
type Sdk = typeof import("@aws-sdk/client-s3");

/** A part that lies in the store. */
export interface StoredPart {
  number: number;
  sizeBytes: number;
  /** Milliseconds since 1970, by the store's clock; 0 if it is not known. */
  modifiedMs: number;
  /** What a completion names it by: ETag and checksums. */
  named: CompletedPart;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Where a multipart upload is. */
export interface UploadHandle {
  key: string;
  uploadId: string;
}

/** The requests of multipart uploads. They throw the SDK's errors; each may be repeated without harm. */
export class MultipartRequests {
  readonly #store: S3Store;

  constructor(store: S3Store) {
    this.#store = store;
  }

  /** @returns the new upload, and whether a lost answer may have left a second one */
  async create(key: string): Promise<UploadHandle & { isMaybeTwice: boolean }> {
    const { client, sdk } = await this.#open();
    const { objectParameters, settings } = this.#store;
    const algorithm = settings.checksums.algorithm;
    const answer = await client.send(
      new sdk.CreateMultipartUploadCommand({
        Bucket: settings.bucket,
        Key: key,
        ContentType: "application/octet-stream",
        ...objectParameters,
        ...(algorithm === undefined ? {} : { ChecksumAlgorithm: algorithm }),
      }),
    );
    const uploadId = answer.UploadId ?? "";
    if (uploadId === "") throw new Error("the store has begun a multipart upload without an id");
    return { key, uploadId, isMaybeTwice: (answer.$metadata.attempts ?? 1) > 1 };
  }

  /** Stores a part, in the place of an earlier one with the same number. `bytes` must not change before it settles. */
  async putPart(
    upload: UploadHandle,
    number: number,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<StoredPart> {
    const { client, sdk } = await this.#open();
    const algorithm = this.#store.settings.checksums.algorithm;
    const command = new sdk.UploadPartCommand({
      ...this.#place(upload),
      PartNumber: number,
      Body: bytes,
      ContentLength: bytes.length,
      ...(algorithm === undefined ? {} : { ChecksumAlgorithm: algorithm }),
    });
    if (this.#isProtected()) leaveUnsigned(command);
    const answer = await client.send(command, signal === undefined ? {} : { abortSignal: signal });
    return { number, sizeBytes: bytes.length, modifiedMs: 0, named: completedPart(number, answer) };
  }

  /** Makes a part of a range of an object, inside the store. */
  async copyPart(
    upload: UploadHandle,
    number: number,
    source: { key: string; offset: number; sizeBytes: number },
  ): Promise<StoredPart> {
    const { client, sdk } = await this.#open();
    const { bucket } = this.#store.settings;
    const answer = await client.send(
      new sdk.UploadPartCopyCommand({
        ...this.#place(upload),
        PartNumber: number,
        CopySource: `${bucket}/${source.key.split("/").map(encodeURIComponent).join("/")}`,
        CopySourceRange: `bytes=${source.offset}-${source.offset + source.sizeBytes - 1}`,
      }),
    );
    const named = completedPart(number, answer.CopyPartResult ?? {});
    return { number, sizeBytes: source.sizeBytes, modifiedMs: 0, named };
  }

  /** @returns the parts in order; undefined if there is no such upload (any more) */
  async listParts(upload: UploadHandle): Promise<StoredPart[] | undefined> {
    const { client, sdk } = await this.#open();
    const place = this.#place(upload);
    const parts: StoredPart[] = [];
    let marker: string | undefined;
    do {
      let page: Awaited<ReturnType<typeof list>>;
      try {
        page = await list(marker);
      } catch (error) {
        if (isGone(error)) return undefined;
        throw error;
      }
      for (const part of page.Parts ?? []) {
        const number = part.PartNumber ?? 0;
        const modifiedMs = part.LastModified?.getTime() ?? 0;
        parts.push({ number, sizeBytes: part.Size ?? 0, modifiedMs, named: completedPart(number, part) });
      }
      const next = page.IsTruncated ? page.NextPartNumberMarker : undefined;
      marker = next === marker ? undefined : next;
    } while (marker !== undefined);
    return parts.sort((left, right) => left.number - right.number);

    function list(from: string | undefined) {
      const position = from === undefined ? {} : { PartNumberMarker: from };
      return client.send(new sdk.ListPartsCommand({ ...place, ...position }));
    }
  }

  /**
   * Makes the parts an object. If the answer is lost and the upload is gone when it is asked again, the object is looked
   * at: it is the right one if it has the size and is made of these parts.
   *
   * @returns the object's ETag without its quotes; empty if the store does not tell
   */
  async complete(upload: UploadHandle, path: string, parts: readonly StoredPart[]): Promise<string> {
    const { client, sdk } = await this.#open();
    const command = new sdk.CompleteMultipartUploadCommand({
      ...this.#place(upload),
      MultipartUpload: { Parts: parts.map(({ named }) => named) },
    });
    try {
      const { ETag } = await client.send(command);
      return bareEtag(ETag) || ((await this.#completed(path, parts)) ?? "");
    } catch (error) {
      const etag = isRefusedPart(error) ? undefined : await this.#completed(path, parts);
      if (etag === undefined) throw error;
      return etag;
    }
  }

  /** Removes an upload and its parts. One that is gone already is removed. */
  async abort(upload: UploadHandle): Promise<void> {
    const { client, sdk } = await this.#open();
    try {
      await client.send(new sdk.AbortMultipartUploadCommand(this.#place(upload)));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  /** Tells whether a part needs no signature to arrive as it was sent: TLS or a checksum sees to it, or no network. */
  #isProtected(): boolean {
    const { endpoint, checksums } = this.#store.settings;
    if (!endpoint.startsWith("http:") || checksums.when === "supported") return true;
    return URL.canParse(endpoint) && LOOPBACK.test(new URL(endpoint).hostname);
  }

  /** @returns the ETag of the object that the parts have become; undefined if it is another, or none */
  async #completed(path: string, parts: readonly StoredPart[]): Promise<string | undefined> {
    const head = await headObject(this.#store, path).catch(() => undefined);
    const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
    const etags = parts.map(({ named }) => named.ETag);
    if (head === undefined || head.sizeBytes !== sizeBytes) return undefined;
    return isCompletedEtag(head.etag, etags) ? bareEtag(head.etag) : undefined;
  }

  async #open(): Promise<{ client: S3Client; sdk: Sdk }> {
    const [client, sdk] = await Promise.all([this.#store.sdk(), import("@aws-sdk/client-s3")]);
    return { client, sdk };
  }

  #place(upload: UploadHandle): { Bucket: string; Key: string; UploadId: string } {
    return { Bucket: this.#store.settings.bucket, Key: upload.key, UploadId: upload.uploadId };
  }
}

/**
 * Leaves a part's bytes out of the signature, which would be a second SHA-256 over all that is uploaded, here and in the
 * store.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
function leaveUnsigned(command: UploadPartCommand): void {
  command.middlewareStack.add(
    (next) => async (args) => {
      const { request } = args;
      if (typeof request === "object" && request !== null && "headers" in request) {
        Object.assign(request.headers ?? {}, { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" });
      }
      return await next(args);
    },
    { step: "build", name: "registryCtlUnsignedPart" },
  );
}

/** Tells whether S3 has answered that there is no such upload. */
export function isGone(error: unknown): boolean {
  return error instanceof Error && error.name === "NoSuchUpload";
}

/** Tells whether S3 has refused to complete an upload because its parts are not those that were named. */
export function isRefusedPart(error: unknown): boolean {
  return error instanceof Error && (error.name === "InvalidPart" || error.name === "InvalidPartOrder");
}

/** Only what is there: an upload that was begun without checksums is completed without them. */
function completedPart(number: number, part: Omit<CompletedPart, "PartNumber">): CompletedPart {
  const { ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 } = part;
  return {
    PartNumber: number,
    ...(ETag ? { ETag } : {}),
    ...(ChecksumCRC32 ? { ChecksumCRC32 } : {}),
    ...(ChecksumCRC32C ? { ChecksumCRC32C } : {}),
    ...(ChecksumCRC64NVME ? { ChecksumCRC64NVME } : {}),
    ...(ChecksumSHA1 ? { ChecksumSHA1 } : {}),
    ...(ChecksumSHA256 ? { ChecksumSHA256 } : {}),
  };
}
