import { Readable } from "node:stream";
import { sendBody } from "./send-body.ts";

/** The ways in which clients push blobs. */
export const PUSH_WAYS = ["POST with digest", "PUT with digest", "PATCH, then PUT"] as const;

/** One way to push a blob. */
export type PushWay = (typeof PUSH_WAYS)[number];

/** What is pushed. */
export interface BlobBody {
  digest: string;
  sizeBytes: number;
  open: () => Readable;
}

/**
 * Pushes one blob.
 *
 * @param url - of the server
 * @throws {Error} if the server does not take it
 */
export async function pushBlob(
  url: string,
  way: PushWay,
  { digest, sizeBytes, open }: BlobBody,
): Promise<void> {
  const start = new URL("/v2/bench/push/blobs/uploads/", url);
  if (way === "POST with digest") {
    start.searchParams.set("digest", digest);
    await sendBody("POST", start, open(), sizeBytes, 201);
    return;
  }
  const upload = await follow(sendBody("POST", start, Readable.from([]), 0, 202), url);
  const sent =
    way === "PUT with digest" ? upload : await follow(sendBody("PATCH", upload, open(), sizeBytes, 202), url);
  sent.searchParams.set("digest", digest);
  if (way === "PUT with digest") await sendBody("PUT", sent, open(), sizeBytes, 201);
  else await sendBody("PUT", sent, Readable.from([]), 0, 201);
}

async function follow(answer: Promise<{ location: string | undefined }>, url: string): Promise<URL> {
  return new URL((await answer).location ?? "", url);
}
