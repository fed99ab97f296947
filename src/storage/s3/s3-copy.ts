import type { CompletedPart, S3Client } from "@aws-sdk/client-s3";
import { PathNotFoundError, StorageUnavailableError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { isCompletedEtag } from "./completed-etag.ts";
import { callS3 } from "./s3-call.ts";
import { copyThrough, isCopyImpossible } from "./s3-copy-through.ts";
import { headObject, type ObjectHead } from "./s3-reads.ts";
import type { S3Store } from "./s3-store.ts";
import { uriEncode, uriEncodeKey } from "./uri-encode.ts";

/*
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 */
const MAX_SINGLE_COPY_BYTES = 5 * 1024 ** 3;
const MAX_PARTS = 10_000;
const MEBIBYTE = 1024 ** 2;
const MIN_PART_BYTES = 5 * MEBIBYTE;

/**
 * Copies an object inside the bucket and removes it where it was. Done again after a failure it comes to the same, as long
 * as the object is still there.
 *
 * @param etag - of the object that is meant, without its quotes; empty for any
 * @throws {PathNotFoundError} if there is no object at `from`
 */
export async function moveObject(store: S3Store, from: string, to: string, etag = ""): Promise<void> {
  const source = await headObject(store, from);
  if (source === undefined) throw new PathNotFoundError("s3", from);
  if (etag !== "" && source.etag.replaceAll('"', "") !== etag) {
    throw new StorageUnavailableError(`s3: ${from} has been replaced by somebody else`, {
      hint: "push again; if it happens again, look who else writes to the bucket",
    });
  }
  if (from === to) return;
  await callS3(store, "copy to", to, async () => {
    try {
      await copyObject(store, { store, object: source }, to);
    } catch (error) {
      if (!isCopyImpossible(error)) throw error;
      await copyThrough(store, source, to);
    }
  });
  await callS3(store, "delete", from, () => store.lane.send({ method: "DELETE", key: store.keyOf(from) }));
}

/** An object, and the store that it is in. */
export interface CopySource {
  store: S3Store;
  object: ObjectHead;
}

/**
 * Copies an object into a store by requests alone, in parts if it is large. Nothing is visible before all of it is there.
 *
 * @throws what the SDK throws
 */
export async function copyObject(store: S3Store, from: CopySource, to: string): Promise<void> {
  const { bucket, copy } = store.settings;
  const target = { Bucket: bucket, Key: store.keyOf(to) };
  const { object: source } = from;
  const sourceKey = from.store.keyOf(source.path);
  const parameters = {
    CopySource: `${uriEncode(from.store.settings.bucket)}/${uriEncodeKey(sourceKey)}`,
    // Only of the object whose size is known.
    ...(source.etag === "" ? {} : { CopySourceIfMatch: source.etag }),
  };
  const client = await store.sdk();
  if (source.sizeBytes <= Math.min(copy.thresholdBytes, MAX_SINGLE_COPY_BYTES)) {
    const { CopyObjectCommand } = await import("@aws-sdk/client-s3");
    await client.send(new CopyObjectCommand({ ...target, ...parameters, ...store.objectParameters }));
  } else await new PartCopy(store, client, { source, target, from: parameters }).run();
}

/** A part of an object: its number, and the first and the last of its bytes. */
export interface CopiedRange {
  partNumber: number;
  firstByte: number;
  lastByte: number;
}

/**
 * @param sizeBytes - of an object, more than 0
 * @param chunkBytes - of a part; more where there would be too many of them
 * @returns the parts that the object is copied in
 */
export function copiedRanges(sizeBytes: number, chunkBytes: number): CopiedRange[] {
  const leastBytes = Math.ceil(sizeBytes / MAX_PARTS / MEBIBYTE) * MEBIBYTE;
  const partBytes = Math.min(Math.max(chunkBytes, leastBytes, MIN_PART_BYTES), MAX_SINGLE_COPY_BYTES);
  return Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, index) => ({
    partNumber: index + 1,
    firstByte: index * partBytes,
    lastByte: Math.min((index + 1) * partBytes, sizeBytes) - 1,
  }));
}

interface PartCopyPlan {
  source: ObjectHead;
  target: { Bucket: string; Key: string };
  from: { CopySource: string; CopySourceIfMatch?: string };
}

/** A copy in parts, several at a time. */
class PartCopy {
  readonly #store: S3Store;
  readonly #client: S3Client;
  readonly #plan: PartCopyPlan;

  constructor(store: S3Store, client: S3Client, plan: PartCopyPlan) {
    this.#store = store;
    this.#client = client;
    this.#plan = plan;
  }

  async run(): Promise<void> {
    const { CreateMultipartUploadCommand, AbortMultipartUploadCommand } = await import("@aws-sdk/client-s3");
    const { target, source } = this.#plan;
    const type = source.headers["content-type"];
    const started = await this.#client.send(
      new CreateMultipartUploadCommand({
        ...target,
        ...(type === undefined ? {} : { ContentType: type }),
        ...this.#store.objectParameters,
      }),
    );
    const upload = { ...target, UploadId: started.UploadId };
    try {
      const parts = await this.#copyParts(upload);
      await this.#complete(upload, parts);
    } catch (error) {
      // What stays behind if this fails too is found by whoever purges uploads.
      await this.#client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
      throw error;
    }
  }

  async #copyParts(upload: { UploadId: string | undefined }): Promise<CompletedPart[]> {
    const { UploadPartCopyCommand } = await import("@aws-sdk/client-s3");
    const { source, target, from } = this.#plan;
    const { chunkBytes, concurrency } = this.#store.settings.copy;
    const parts: CompletedPart[] = [];
    const ranges = copiedRanges(source.sizeBytes, chunkBytes);
    await forEachConcurrently(ranges, concurrency, async ({ partNumber, firstByte, lastByte }) => {
      const { CopyPartResult } = await this.#client.send(
        new UploadPartCopyCommand({
          ...{ ...target, ...from, UploadId: upload.UploadId, PartNumber: partNumber },
          CopySourceRange: `bytes=${firstByte}-${lastByte}`,
        }),
      );
      const { LastModified: _, ...tags } = CopyPartResult ?? {};
      parts[partNumber - 1] = { ...tags, PartNumber: partNumber };
    });
    return parts;
  }

  async #complete(upload: { UploadId: string | undefined }, parts: CompletedPart[]): Promise<void> {
    const { CompleteMultipartUploadCommand } = await import("@aws-sdk/client-s3");
    const { source, target } = this.#plan;
    try {
      await this.#client.send(
        new CompleteMultipartUploadCommand({ ...target, ...upload, MultipartUpload: { Parts: parts } }),
      );
    } catch (error) {
      // Done before, by an attempt whose answer was lost.
      if (!(error instanceof Error) || error.name !== "NoSuchUpload") throw error;
      const path = this.#store.pathOf(target.Key) ?? "";
      const head = await headObject(this.#store, path);
      const etags = parts.map(({ ETag }) => ETag);
      if (head?.sizeBytes !== source.sizeBytes || !isCompletedEtag(head.etag, etags)) throw error;
    }
  }
}
