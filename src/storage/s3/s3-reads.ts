import { Readable } from "node:stream";
import {
  CancelledError,
  InvalidOffsetError,
  PathNotFoundError,
  StorageUnavailableError,
} from "../../errors.ts";
import type { FileInfo, ReadOptions } from "../driver.ts";
import { FileTooLargeError } from "../errors.ts";
import { callS3, folderPrefix, isMissingObject } from "./s3-call.ts";
import { S3RequestError, type S3StreamAnswer } from "./s3-lane.ts";
import { listPages } from "./s3-listing.ts";
import { ResumingStream } from "./s3-reads-stream.ts";
import type { S3Store } from "./s3-store.ts";

/** What S3 says of one object. */
export interface ObjectHead extends FileInfo {
  /** With its quotes; empty if the store has sent none. */
  etag: string;
  headers: Readonly<Record<string, string>>;
}

/** @returns undefined if there is no such object */
export function headObject(
  store: S3Store,
  path: string,
  signal?: AbortSignal,
): Promise<ObjectHead | undefined> {
  return callS3(store, "look at", path, async () => {
    try {
      const { headers } = await store.lane.send({ method: "HEAD", key: store.keyOf(path), signal });
      const modifiedMs = Date.parse(headers["last-modified"] ?? "") || 0;
      const sizeBytes = Number(headers["content-length"] ?? 0);
      return { path, sizeBytes, modifiedMs, isFolder: false, etag: headers["etag"] ?? "", headers };
    } catch (error) {
      if (isMissingObject(error)) return undefined;
      throw error;
    }
  });
}

/**
 * Looks for an object, and then for keys below the path.
 *
 * @throws {PathNotFoundError} if there is neither
 */
export async function statPath(store: S3Store, path: string): Promise<FileInfo> {
  if (path !== "/") {
    const head = await headObject(store, path);
    if (head !== undefined) return fileInfo(head);
  }
  const folder = { path, sizeBytes: 0, modifiedMs: 0, isFolder: true };
  return callS3(store, "look at", path, async () => {
    for await (const page of listPages(store, { prefix: folderPrefix(store, path), maxKeys: 1 })) {
      if (path === "/" || page.objects.length > 0) return folder;
    }
    throw new PathNotFoundError("s3", path);
  });
}

/** @returns what a store says of a file, without what only S3 has */
export function fileInfo({ path, sizeBytes, modifiedMs, isFolder }: FileInfo): FileInfo {
  return { path, sizeBytes, modifiedMs, isFolder };
}

/**
 * Reads a whole object with one request; of one that is too large, no more than `maxBytes` and one are sent for.
 *
 * @throws {PathNotFoundError}
 * @throws {FileTooLargeError}
 */
export function getObject(
  store: S3Store,
  path: string,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<Uint8Array> {
  return callS3(store, "read", path, async () => {
    const headers = Number.isFinite(maxBytes) ? { range: `bytes=0-${maxBytes}` } : {};
    try {
      const answer = await store.lane.send({ method: "GET", key: store.keyOf(path), headers });
      const sizeBytes = totalBytes(answer.headers) ?? answer.body.length;
      if (sizeBytes > maxBytes) throw new FileTooLargeError("s3", path, sizeBytes, maxBytes);
      return answer.body;
    } catch (error) {
      // A range that begins at 0 is refused only if there is not one byte.
      if (isBeyondEnd(error)) return new Uint8Array();
      throw isMissingObject(error) ? new PathNotFoundError("s3", path, { cause: error }) : error;
    }
  });
}

/**
 * Opens an object for streaming. A body that breaks off goes on where it stopped, as long as the object is the same.
 *
 * @throws {PathNotFoundError}
 * @throws {InvalidOffsetError}
 */
export function openObject(store: S3Store, path: string, options: ReadOptions): Promise<Readable> {
  return callS3(store, "read", path, () => new ObjectReader(store, path, options).open());
}

class ObjectReader {
  readonly #store: S3Store;
  readonly #path: string;
  readonly #offset: number;
  readonly #lengthBytes: number;
  readonly #contentTag: string;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = new AbortController();

  constructor(store: S3Store, path: string, options: ReadOptions) {
    this.#store = store;
    this.#path = path;
    this.#offset = options.offset ?? 0;
    this.#lengthBytes = options.lengthBytes ?? Number.POSITIVE_INFINITY;
    this.#contentTag = options.contentTag ?? "";
    this.#signal = options.signal;
  }

  async open(): Promise<Readable> {
    if (this.#signal?.aborted) throw new CancelledError();
    if (!Number.isSafeInteger(this.#offset) || this.#offset < 0) throw this.#badOffset();
    if (this.#lengthBytes <= 0) return this.#nothing();
    const last = Number.isFinite(this.#lengthBytes) ? this.#offset + this.#lengthBytes - 1 : "";
    const range = this.#offset === 0 && last === "" ? {} : { range: `bytes=${this.#offset}-${last}` };
    const ifMatch = this.#contentTag === "" ? {} : { "if-match": `"${this.#contentTag}"` };
    const onAbort = (): void => this.#abort.abort();
    this.#signal?.addEventListener("abort", onAbort, { once: true });
    try {
      const answer = await this.#get({ ...range, ...ifMatch });
      return this.#streamOf(answer);
    } catch (error) {
      if (isChanged(error)) throw this.#changed(error);
      if (isBeyondEnd(error)) return await this.#nothing();
      throw isMissingObject(error) ? new PathNotFoundError("s3", this.#path, { cause: error }) : error;
    } finally {
      this.#signal?.removeEventListener("abort", onAbort);
    }
  }

  /** What a range without a byte gives: nothing, if the offset is one of the object. */
  async #nothing(): Promise<Readable> {
    const head = await headObject(this.#store, this.#path, this.#signal);
    if (head === undefined) throw new PathNotFoundError("s3", this.#path);
    if (this.#offset > head.sizeBytes) throw this.#badOffset();
    return Readable.from([], { objectMode: false });
  }

  #get(headers: Readonly<Record<string, string>>): Promise<S3StreamAnswer> {
    return this.#store.lane.open({
      method: "GET",
      key: this.#store.keyOf(this.#path),
      headers,
      signal: this.#abort.signal,
    });
  }

  #streamOf(answer: S3StreamAnswer): Readable {
    const first = firstByte(answer);
    if (first !== this.#offset) throw this.#wrongRange(answer);
    const lengthBytes = Number(answer.headers["content-length"] ?? Number.NaN);
    const etag = answer.headers["etag"] ?? "";
    return new ResumingStream({
      first: answer.body,
      sizeBytes: Number.isNaN(lengthBytes) ? undefined : Math.min(lengthBytes, this.#lengthBytes),
      reopen: (readBytes, restBytes) => this.#goOn(readBytes, restBytes, etag),
      signal: this.#signal,
      abort: this.#abort,
      translate: (error) =>
        isChanged(error) ? this.#changed(error) : this.#store.translate(error, "read", this.#path),
    });
  }

  async #goOn(readBytes: number, restBytes: number, etag: string): Promise<Readable> {
    const from = this.#offset + readBytes;
    const range = `bytes=${from}-${from + restBytes - 1}`;
    const answer = await this.#get({ range, ...(etag === "" ? {} : { "if-match": etag }) });
    if (firstByte(answer) !== from) throw this.#wrongRange(answer);
    return answer.body;
  }

  #badOffset(): InvalidOffsetError {
    return new InvalidOffsetError("s3", this.#path, this.#offset);
  }

  #wrongRange(answer: S3StreamAnswer): StorageUnavailableError {
    answer.body.on("error", () => undefined).destroy();
    return new StorageUnavailableError(`s3: cannot read ${this.#path}: the store does not keep to ranges`, {
      hint: "use a store that answers GET with a Range header",
    });
  }

  #changed(cause: unknown): StorageUnavailableError {
    return new StorageUnavailableError(`s3: ${this.#path} was replaced while it was read`, {
      hint: "try again, and look who else writes to the bucket if it happens again",
      cause,
    });
  }
}

function isBeyondEnd(error: unknown): boolean {
  return error instanceof S3RequestError && error.status === 416;
}

function isChanged(error: unknown): boolean {
  return error instanceof S3RequestError && error.status === 412;
}

/** @returns where the body of an answer begins in the object */
function firstByte({ status, headers }: S3StreamAnswer): number {
  if (status !== 206) return 0;
  return Number(/^bytes (\d+)-/.exec(headers["content-range"] ?? "")?.[1] ?? Number.NaN);
}

/** @returns the size of the whole object, where an answer has only a part of it */
function totalBytes(headers: Readonly<Record<string, string>>): number | undefined {
  const total = /\/(\d+)$/.exec(headers["content-range"] ?? "")?.[1];
  return total === undefined ? undefined : Number(total);
}
