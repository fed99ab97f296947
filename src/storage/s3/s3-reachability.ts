import { StorageUnavailableError } from "../../errors.ts";
import { callS3, folderPrefix, isMissingObject } from "./s3-call.ts";
import { S3RequestError } from "./s3-lane.ts";
import { listPage } from "./s3-listing.ts";
import type { S3Store } from "./s3-store.ts";
import { readFields } from "./xml/read-fields.ts";

/** Nobody has it; nothing is ever written to it. */
const PROBE_PATH = "/docker/registry/registry-ctl.probe";

/**
 * Tries what a registry needs of a bucket, without leaving anything in it: to list, to look at an object, and unless it is
 * only to be read, to begin an upload and to give it up.
 *
 * @throws {StorageUnavailableError} which says what is denied
 */
export async function checkReachable(store: S3Store, readOnly: boolean): Promise<void> {
  await callS3(store, "list", "/", () => listPage(store, { prefix: folderPrefix(store, "/"), maxKeys: 1 }));
  const lookDenied = await deniedLook(store);
  const writeDenied = readOnly ? undefined : await deniedWrite(store);
  if (lookDenied !== undefined)
    throw explainDeniedLook(store, lookDenied, readOnly || writeDenied !== undefined);
  if (writeDenied !== undefined) throw writeDenied;
}

/** @returns why an object cannot be looked at */
async function deniedLook(store: S3Store): Promise<S3RequestError | undefined> {
  try {
    await store.lane.send({ method: "HEAD", key: store.keyOf(PROBE_PATH) });
  } catch (error) {
    if (isMissingObject(error)) return undefined;
    if (error instanceof S3RequestError && error.status === 403) return error;
    throw store.translate(error, "look at", PROBE_PATH);
  }
  return undefined;
}

/** @returns why nothing can be written */
async function deniedWrite(store: S3Store): Promise<unknown> {
  const key = store.keyOf(PROBE_PATH);
  try {
    const begun = await store.lane.send({
      method: "POST",
      key,
      query: { uploads: "" },
      headers: store.objectHeaders,
    });
    const uploadId = readFields(begun.body)["UploadId"] ?? "";
    await store.lane.send({ method: "DELETE", key, query: { uploadId } });
    return undefined;
  } catch (error) {
    // A store may forget an upload that has no parts.
    return isMissingObject(error) ? undefined : store.translate(error, "write", PROBE_PATH);
  }
}

/** The classic: uploads go well, and then nothing can be found. */
function explainDeniedLook(store: S3Store, cause: S3RequestError, isWriteUnknown: boolean): unknown {
  const translated = store.translate(cause, "look at", PROBE_PATH);
  if (isWriteUnknown || !(translated instanceof StorageUnavailableError)) return translated;
  return new StorageUnavailableError(
    `s3: writing to ${store.location} and listing it are allowed, but HEAD is denied: ${translated.message}`,
    { hint: translated.hint, cause },
  );
}
