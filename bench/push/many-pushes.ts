import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { generateBlob } from "../../test/support/generated-blob.ts";
import { sampleTreeMemory } from "../../test/support/process-tree.ts";
import type { ServerProcess } from "../../test/support/server-process.ts";
import { type BlobBody, type PushWay, pushBlob } from "./push-blob.ts";

const MEBIBYTE = 1024 * 1024;
/** More than the server holds of any one. */
const BLOB_MIB = 40;

/** What pushes at the same time took. */
export interface ManyPushes {
  way: PushWay;
  count: number;
  seconds: number;
  mebibytesPerSecond: number;
  /** All processes of the server together, over what they had when they were idle. */
  growthBytes: number;
}

/**
 * Pushes many blobs at once.
 *
 * @param idleBytes - memory of the server before the first push
 * @throws {Error} if the server does not take one
 */
export async function measureManyPushes(
  server: ServerProcess,
  way: PushWay,
  count: number,
  idleBytes: number,
): Promise<ManyPushes> {
  const shared = [...generateBlob(BLOB_MIB * MEBIBYTE)];
  const bodies = Array.from({ length: count }, (_, number) => bodyOf(`${way} ${number} `, shared));
  const stopSampling = sampleTreeMemory(server.pid);
  const began = performance.now();
  await Promise.all(bodies.map((body) => pushBlob(server.url, way, body)));
  const seconds = (performance.now() - began) / 1000;
  const growthBytes = (await stopSampling()) - idleBytes;
  return { way, count, seconds, mebibytesPerSecond: (count * BLOB_MIB) / seconds, growthBytes };
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
