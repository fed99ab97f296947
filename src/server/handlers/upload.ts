import { type Digest, parseDigest } from "../../oci/digest.ts";
import { UploadUnknownError } from "../../registry/errors.ts";
import type { Upload } from "../../registry/upload.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import { ApiError } from "../api-error.ts";
import { declaredLength, uploadChunks } from "../body.ts";
import type { PinKey } from "../coordination/coordination.ts";
import type { Exchange } from "../exchange.ts";
import { objectKeys } from "../pin-keys.ts";
import { type ByteRange, parseContentRange } from "../range.ts";
import type { ServerContext } from "../server-context.ts";
import type { StatedUpload } from "../upload-state.ts";
import { blobHeaders, uploadHeaders } from "./upload-location.ts";

/** Ids as we and the Go registry make them; nothing else may become part of a path. */
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Tells how much of an upload is stored. */
export function getUpload(context: ServerContext, exchange: Exchange): Promise<Answer> {
  return withUpload(context, exchange, async (upload) =>
    emptyAnswer(204, uploadHeaders(context, exchange, upload)),
  );
}

/** Adds a chunk, at a place that Content-Range names, or a stream of unknown length. */
export function appendToUpload(context: ServerContext, exchange: Exchange): Promise<Answer> {
  return withUpload(context, exchange, async (upload, lost) => {
    await appendBody(context, exchange, upload, lost);
    return emptyAnswer(202, uploadHeaders(context, exchange, upload));
  });
}

/** Takes what the body holds, the last chunk or all or nothing, and makes the upload a blob of the repository. */
export async function finishUpload(context: ServerContext, exchange: Exchange): Promise<Answer> {
  const digest = parseDigest(exchange.query.get("digest") ?? "");
  const keys = objectKeys(exchange.route.name, digest);
  const finish = async (upload: Upload, lost: AbortSignal): Promise<Answer> => {
    await appendBody(context, exchange, upload, lost, digest);
    await upload.finish(digest);
    exchange.lease(keys);
    return emptyAnswer(201, blobHeaders(context, exchange, digest));
  };
  return withUpload(context, exchange, finish, keys);
}

/** Removes an upload. */
export function cancelUpload(context: ServerContext, exchange: Exchange): Promise<Answer> {
  return withUpload(context, exchange, async (upload) => {
    await upload.cancel();
    return emptyAnswer(204, { "Docker-Upload-UUID": upload.uuid });
  });
}

/**
 * Does something with an upload while no other request can.
 *
 * @param keys - what the action relies on, to be pinned once it is known that the upload is the client's
 */
async function withUpload(
  context: ServerContext,
  exchange: Exchange,
  action: (upload: Upload, lost: AbortSignal) => Promise<Answer>,
  keys: readonly PinKey[] = [],
): Promise<Answer> {
  const { name, reference: uuid } = exchange.route;
  if (!UUID.test(uuid)) throw new UploadUnknownError(name, uuid);
  checkState(context, exchange, { name, uuid });
  if (keys.length > 0) {
    const pin = exchange.hold(keys);
    if (pin instanceof Promise) await pin;
  }
  const grant = await context.coordination.acquireUpload(uuid, exchange.signal);
  let upload: Upload | undefined;
  try {
    upload = await context.registry.repository(name).uploads.resume(uuid, grant.hashed);
    return await action(upload, grant.lost);
  } finally {
    try {
      await upload?.close();
    } finally {
      grant.release(upload?.hashed);
    }
  }
}

/** Before the store is asked, so that nobody learns from it which uploads there are. */
function checkState(context: ServerContext, exchange: Exchange, upload: StatedUpload): void {
  const isRequired = context.access !== undefined;
  if (context.uploadState.admits(exchange.query.get("_state"), upload, { isRequired })) return;
  throw new ApiError("BLOB_UPLOAD_INVALID", { detail: { reason: "_state is not that of this upload" } });
}

/** @param digest - of all, if the body is the last one and the upload is finished with it */
async function appendBody(
  context: ServerContext,
  exchange: Exchange,
  upload: Upload,
  lost: AbortSignal,
  digest?: Digest,
): Promise<void> {
  const range = checkPlace(context, exchange, upload);
  const length = declaredLength(exchange);
  if (length === 0) return;
  const chunks = uploadChunks(exchange, context.limits.uploadIdleTimeoutMs, lost);
  const signal = AbortSignal.any([exchange.signal, lost]);
  const before = upload.sizeBytes;
  const body = range ? exactly(chunks, range.last - range.first + 1) : chunks;
  await upload.append(body, signal, digest && { digest, sizeBytes: length });
  if (range && upload.sizeBytes - before !== range.last - range.first + 1) throw lengthMismatch(range);
}

/** Checks that a chunk begins where the upload ends; else the client is told where that is. */
function checkPlace(context: ServerContext, exchange: Exchange, upload: Upload): ByteRange | undefined {
  const header = exchange.header("content-range");
  if (header === undefined) return undefined;
  const range = parseContentRange(header);
  if (range === undefined || range.first !== upload.sizeBytes) {
    throw new ApiError("RANGE_INVALID", {
      headers: uploadHeaders(context, exchange, upload),
      detail: {
        reason: range
          ? `the chunk begins at ${range.first}, the upload has ${upload.sizeBytes} bytes`
          : "Content-Range is not <first>-<last>",
      },
    });
  }
  const length = declaredLength(exchange);
  if (length !== undefined && length !== range.last - range.first + 1) throw lengthMismatch(range);
  return range;
}

/** Stops a body that is longer than its Content-Range said, before the excess is stored. */
async function* exactly(chunks: AsyncIterable<Uint8Array>, lengthBytes: number): AsyncGenerator<Uint8Array> {
  let received = 0;
  for await (const chunk of chunks) {
    received += chunk.length;
    if (received > lengthBytes) {
      throw new ApiError("SIZE_INVALID", { detail: { reason: "the body is longer than its Content-Range" } });
    }
    yield chunk;
  }
}

function lengthMismatch(range: ByteRange): ApiError {
  const reason = `Content-Range ${range.first}-${range.last} and the length of the body do not agree`;
  return new ApiError("SIZE_INVALID", { detail: { reason } });
}
