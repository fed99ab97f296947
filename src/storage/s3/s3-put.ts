import { isMissingObject } from "./s3-call.ts";
import type { S3Store } from "./s3-store.ts";

/** Options of {@link putObject}. */
export interface PutOptions {
  /** Names in lower case. */
  headers?: Readonly<Record<string, string>>;
  /** Called after each attempt that the store may still carry out, be it after a later one. */
  onUnanswered?: (() => void) | undefined;
}

/** Writes an object with one request, whatever lies there unless the headers say otherwise. */
export async function putObject(
  store: S3Store,
  path: string,
  body: Uint8Array,
  { headers, onUnanswered }: PutOptions = {},
): Promise<void> {
  await store.lane.send({
    method: "PUT",
    key: store.keyOf(path),
    headers: { "content-type": "application/octet-stream", ...store.objectHeaders, ...headers },
    body,
    onUnanswered,
  });
}

/** Removes an object, if there is one, without looking for it first. */
export async function removeObject(store: S3Store, path: string): Promise<void> {
  try {
    await store.lane.send({ method: "DELETE", key: store.keyOf(path) });
  } catch (error) {
    if (!isMissingObject(error)) throw error;
  }
}
