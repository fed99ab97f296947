import type { AnswerHeaders } from "../answer.ts";
import type { Exchange } from "../exchange.ts";
import { uploadedRange } from "../range.ts";
import type { ServerContext } from "../server-context.ts";

/** What a client needs to go on with an upload. */
export function uploadHeaders(
  context: ServerContext,
  exchange: Exchange,
  upload: { uuid: string; sizeBytes: number },
): Record<string, string> {
  const { name } = exchange.route;
  const state = context.uploadState.sign({ name, uuid: upload.uuid }, upload.sizeBytes);
  const path = `v2/${name}/blobs/uploads/${upload.uuid}?_state=${encodeURIComponent(state)}`;
  return {
    Location: context.urls.urlOf(exchange.client, path),
    Range: uploadedRange(upload.sizeBytes),
    "Docker-Upload-UUID": upload.uuid,
  };
}

/** Where a finished blob is. */
export function blobHeaders(context: ServerContext, exchange: Exchange, digest: string): AnswerHeaders {
  const path = `v2/${exchange.route.name}/blobs/${digest}`;
  return { Location: context.urls.urlOf(exchange.client, path), "Docker-Content-Digest": digest };
}
