import type { UnfinishedAmount, UnfinishedFile } from "../../object-store-abilities.ts";
import { callS3, folderPrefix } from "../s3-call.ts";
import type { S3Store } from "../s3-store.ts";
import { MultipartRequests } from "./multipart-upload.ts";
import { readUnfinished, uploadsBelow, uploadsOf } from "./read-unfinished.ts";
import { deleteTails } from "./tails.ts";

/** See {@link import("../../object-store-abilities.ts").UnfinishedWrites.unfinishedBytes}. A file that was committed counts too. */
export function unfinishedBytes(store: S3Store, path: string): Promise<number | undefined> {
  return callS3(store, "look at", path, async () => {
    const { object, upload, otherUploads, tails, sizeBytes } = await readUnfinished(store, path);
    const isBegun = object !== undefined || upload !== undefined || otherUploads.length + tails.length > 0;
    return isBegun ? sizeBytes : undefined;
  });
}

/**
 * See {@link import("../../object-store-abilities.ts").UnfinishedWrites.unfinishedAmount}. Tails are files beside it and do not count.
 */
export function unfinishedAmount(store: S3Store, path: string): Promise<UnfinishedAmount | undefined> {
  return callS3(store, "look at", path, async () => {
    const requests = new MultipartRequests(store);
    let amount: UnfinishedAmount | undefined;
    for (const upload of await uploadsOf(store, store.keyOf(path))) {
      amount ??= { sizeBytes: 0, writtenMs: 0 };
      amount.writtenMs = Math.max(amount.writtenMs, upload.startedMs);
      for (const part of (await requests.listParts(upload)) ?? []) {
        amount.sizeBytes += part.sizeBytes;
        amount.writtenMs = Math.max(amount.writtenMs, part.modifiedMs);
      }
    }
    return amount;
  });
}

/**
 * See {@link import("../../object-store-abilities.ts").UnfinishedWrites.abandonUnfinished}. An object at the path, which may be a blob that
 * others use, is left alone.
 */
export function abandonUnfinished(store: S3Store, path: string, startedBeforeMs?: number): Promise<void> {
  return callS3(store, "remove the unfinished", path, async () => {
    const requests = new MultipartRequests(store);
    for (const upload of await uploadsOf(store, store.keyOf(path))) {
      if (upload.startedMs < (startedBeforeMs ?? Number.POSITIVE_INFINITY)) await requests.abort(upload);
    }
    if (startedBeforeMs !== undefined) return;
    const { tails, staleTails } = await readUnfinished(store, path);
    await deleteTails(store, [...tails, ...staleTails]);
  });
}

/**
 * See {@link import("../../object-store-abilities.ts").UnfinishedWrites.listUnfinished}. What has only tails is not told of: they are files
 * of the folder.
 */
export async function* listUnfinished(store: S3Store, path: string): AsyncGenerator<UnfinishedFile> {
  const uploads = uploadsBelow(store, folderPrefix(store, path));
  for (;;) {
    const step = await callS3(store, "list", path, () => uploads.next());
    if (step.done) return;
    const file = store.pathOf(step.value.key);
    if (file !== undefined) yield { path: file, startedMs: step.value.startedMs };
  }
}
