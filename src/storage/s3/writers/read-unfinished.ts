import { S3ConnectionError } from "../s3-lane.ts";
import { listPages } from "../s3-listing.ts";
import type { S3Store } from "../s3-store.ts";
import { readUploads } from "../xml/read-uploads.ts";
import { MultipartRequests, type StoredPart, type UploadHandle } from "./multipart-upload.ts";
import {
  copiedPartSizes,
  MAX_HELD_PART_BYTES,
  MIN_PART_BYTES,
  PART_BYTES_BEHIND_COPIES,
  partBytes,
} from "./part-sizes.ts";
import { followingTails, type Tail, tailOffset, tailPrefix } from "./tails.ts";

/** A multipart upload as the store lists it. */
export interface BegunUpload extends UploadHandle {
  startedMs: number;
}

/** The upload that a writer goes on with. */
export interface ContinuedUpload extends UploadHandle {
  /** Parts without a gap from the first one on, each as large as its number says. */
  parts: StoredPart[];
  sizeBytes: number;
  /** There are parts behind them, of somebody who died: some stores complete an upload only with all its parts. */
  hasStrays: boolean;
  /** Size of the first part that is no copy; undefined if there is none yet. */
  firstPartBytes: number | undefined;
}

/** What there is of a file that is not finished, in the store. */
export interface Unfinished {
  key: string;
  /** The file itself, if it was committed once, or put. */
  object: { sizeBytes: number; modifiedMs: number; etag: string } | undefined;
  upload: ContinuedUpload | undefined;
  /** All others, which nobody needs. */
  otherUploads: UploadHandle[];
  /** What follows the parts, or the object. */
  tails: Tail[];
  staleTails: Tail[];
  /** All of it together. */
  sizeBytes: number;
}

/** Looks at everything that belongs to an unfinished file. @throws what the lane or the SDK throws */
export async function readUnfinished(store: S3Store, path: string): Promise<Unfinished> {
  const key = store.keyOf(path);
  const [{ object, tails }, uploads] = await Promise.all([readObjects(store, key), uploadsOf(store, key)]);
  const copies = copiedPartSizes(object?.sizeBytes ?? 0);
  const requests = new MultipartRequests(store);
  const continued: ContinuedUpload[] = [];
  for (const upload of uploads) {
    const parts = await requests.listParts(upload);
    if (parts !== undefined) continued.push({ ...upload, ...goodParts(parts, copies) });
  }
  const best = continued
    .filter(({ parts }) => parts.length > 0)
    .reduce<ContinuedUpload | undefined>(
      (left, right) => (left !== undefined && left.sizeBytes >= right.sizeBytes ? left : right),
      undefined,
    );
  const fromBytes = Math.max(object?.sizeBytes ?? 0, best?.sizeBytes ?? 0);
  const { following, stale, endBytes } = followingTails(tails, fromBytes);
  return {
    ...{ key, object, upload: best, tails: following, staleTails: stale, sizeBytes: endBytes },
    otherUploads: continued.filter((upload) => upload !== best),
  };
}

/** @returns all multipart uploads of one key, in the order in which the store has them */
export async function uploadsOf(store: S3Store, key: string): Promise<BegunUpload[]> {
  const found: BegunUpload[] = [];
  for await (const upload of uploadsBelow(store, key)) {
    if (upload.key === key) found.push(upload);
  }
  return found;
}

/**
 * All multipart uploads of keys that begin with `prefix`, in the store's order, which is that of keys.
 * @throws whatever the lane throws, also if a page says that there is more, and not where
 */
export async function* uploadsBelow(store: S3Store, prefix: string): AsyncGenerator<BegunUpload> {
  let position: Record<string, string> | undefined = {};
  while (position !== undefined) {
    const { body } = await store.lane.send({
      method: "GET",
      query: { uploads: "", ...(prefix === "" ? {} : { prefix }), ...position },
    });
    const page = readUploads(body);
    for (const { key, uploadId, initiatedMs } of page.uploads) {
      yield { key, uploadId, startedMs: initiatedMs };
    }
    const next: Record<string, string> = {
      "key-marker": page.nextKeyMarker,
      ...(page.nextUploadIdMarker === "" ? {} : { "upload-id-marker": page.nextUploadIdMarker }),
    };
    if (page.isTruncated && (page.nextKeyMarker === "" || isSame(next, position))) {
      throw new S3ConnectionError("a listing of multipart uploads says that there is more, but not where");
    }
    position = page.isTruncated ? next : undefined;
  }
}

function isSame(left: Record<string, string>, right: Record<string, string>): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

/** One listing shows the object and its tails. */
async function readObjects(
  store: S3Store,
  key: string,
): Promise<{ object: Unfinished["object"]; tails: Tail[] }> {
  const tailsBegin = tailPrefix(key);
  // The folder of an upload holds both; elsewhere the key itself is what both begin with.
  const prefix = tailsBegin.startsWith(key) ? key : tailsBegin.slice(0, -"tail/".length);
  let object: Unfinished["object"];
  const tails: Tail[] = [];
  for await (const page of listPages(store, { prefix, etags: true })) {
    for (const { key: found, sizeBytes, modifiedMs, etag = "" } of page.objects) {
      if (found === key) object = { sizeBytes, modifiedMs, etag };
      const offset = tailOffset(tailsBegin, found);
      if (offset !== undefined) tails.push({ key: found, offset, sizeBytes, etag });
    }
  }
  return { object, tails };
}

/**
 * Finds the parts that count: each has the size that its number says, so what comes behind them has its right place. The
 * size of the first one is what it was begun with, unless that was too small for a part that others follow.
 */
function goodParts(
  parts: readonly StoredPart[],
  copies: readonly number[],
): Pick<ContinuedUpload, "parts" | "sizeBytes" | "hasStrays" | "firstPartBytes"> {
  const good: StoredPart[] = [];
  let sizeBytes = 0;
  let firstPartBytes = copies.length > 0 ? PART_BYTES_BEHIND_COPIES : undefined;
  for (const part of parts) {
    if (part.number !== good.length + 1) break;
    if (good.length === 0 && copies.length === 0) {
      if (part.sizeBytes < MIN_PART_BYTES || part.sizeBytes > MAX_HELD_PART_BYTES) break;
      firstPartBytes = part.sizeBytes;
    }
    const expected = copies[good.length] ?? partBytes(firstPartBytes ?? 0, part.number);
    if (part.sizeBytes !== expected) break;
    good.push(part);
    sizeBytes += part.sizeBytes;
  }
  return { parts: good, sizeBytes, hasStrays: parts.length > good.length, firstPartBytes };
}
