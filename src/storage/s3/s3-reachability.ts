import { StorageUnavailableError } from "../../errors.ts";
import { callS3, folderPrefix, isMissingObject } from "./s3-call.ts";
import { S3RequestError } from "./s3-lane.ts";
import { listPage } from "./s3-listing.ts";
import type { S3Store } from "./s3-store.ts";
import { readFields } from "./xml/read-fields.ts";

/** Nobody has it. It is there for a moment when a registry starts on a bucket with nothing in it. */
const PROBE_PATH = "/docker/registry/registry-ctl.probe";

/**
 * Tries what a registry needs of a bucket, and leaves nothing in it: to list, to look at an object, and unless it is only to
 * be read, to write. Some stores tell that they deny a look only where there is something to look at, so that an empty bucket
 * is written to.
 *
 * @throws {StorageUnavailableError} which says what is denied
 */
export async function checkReachable(store: S3Store, readOnly: boolean): Promise<void> {
  const page = await callS3(store, "list", "/", () =>
    listPage(store, { prefix: folderPrefix(store, "/"), maxKeys: 1 }),
  );
  const [object] = page.objects;
  const probe = store.keyOf(PROBE_PATH);
  if (readOnly) await look(store, object?.key ?? probe, false);
  else if (object !== undefined) {
    await tryUpload(store, probe);
    await look(store, object.key, true);
  } else {
    await tryWrite(store, probe, "write", { method: "PUT", body: Buffer.from("may be removed\n") });
    try {
      await look(store, probe, true);
    } finally {
      await tryWrite(store, probe, "delete", { method: "DELETE" });
    }
  }
}

async function look(store: S3Store, key: string, canWrite: boolean): Promise<void> {
  try {
    await store.lane.send({ method: "HEAD", key });
  } catch (error) {
    if (isMissingObject(error)) return;
    const translated = store.translate(error, "look at", store.pathOf(key) ?? "/");
    const isDenied = error instanceof S3RequestError && error.status === 403;
    throw isDenied && canWrite ? explainDeniedLook(store, translated) : translated;
  }
}

/** The classic: uploads go well, and then nothing can be found. */
function explainDeniedLook(store: S3Store, translated: unknown): unknown {
  if (!(translated instanceof StorageUnavailableError)) return translated;
  return new StorageUnavailableError(
    `s3: listing ${store.location} and writing to it are allowed, but HEAD is denied: ${translated.message}`,
    { hint: translated.hint, cause: translated },
  );
}

/** Begins an upload and gives it up, which needs no object. */
async function tryUpload(store: S3Store, key: string): Promise<void> {
  const begun = await tryWrite(store, key, "write", { method: "POST", query: { uploads: "" } });
  const uploadId = readFields(begun)["UploadId"] ?? "";
  await tryWrite(store, key, "give up an upload to", { method: "DELETE", query: { uploadId } });
}

async function tryWrite(
  store: S3Store,
  key: string,
  operation: string,
  request: { method: "PUT" | "POST" | "DELETE"; query?: Record<string, string>; body?: Uint8Array },
): Promise<Uint8Array> {
  const headers = request.method === "DELETE" ? {} : store.objectHeaders;
  try {
    return (await store.lane.send({ ...request, key, headers })).body;
  } catch (error) {
    // A store may forget an upload that has no parts.
    if (request.method === "DELETE" && isMissingObject(error)) return new Uint8Array();
    throw store.translate(error, operation, PROBE_PATH);
  }
}
