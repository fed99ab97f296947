import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { generateBlob } from "../../test/support/generated-blob.ts";
import { type BlobBody, type PushWay, pushBlob } from "./push-blob.ts";

const MEBIBYTE = 1024 * 1024;
/** More than the server holds of any one. */
const BLOB_MIB = 40;

/**
 * Pushes many blobs at once.
 *
 * @param url - of the server
 * @returns mebibytes per second, all together
 * @throws {Error} if the server does not take one
 */
export async function measureManyPushes(url: string, way: PushWay, count: number): Promise<number> {
  const shared = [...generateBlob(BLOB_MIB * MEBIBYTE)];
  const bodies = Array.from({ length: count }, (_, number) => bodyOf(`${way} ${number} `, shared));
  const began = performance.now();
  await Promise.all(bodies.map((body) => pushBlob(url, way, body)));
  return (count * BLOB_MIB * 1000) / (performance.now() - began);
}

/** A blob that shares all of its memory but its first bytes. */
function bodyOf(head: string, shared: readonly Buffer[]): BlobBody {
  const blocks = [Buffer.from(head), ...shared];
  const hash = createHash("sha256");
  for (const block of blocks) hash.update(block);
  return {
    digest: `sha256:${hash.digest("hex")}`,
    sizeBytes: blocks.reduce((sum, block) => sum + block.length, 0),
    open: () => Readable.from(blocks),
  };
}
