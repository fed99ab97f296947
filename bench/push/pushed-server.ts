import { DeleteObjectsCommand } from "@aws-sdk/client-s3";
import { bucketStorage } from "../../test/support/ceph/bucket-storage.ts";
import type { TestBucket } from "../../test/support/ceph/test-bucket.ts";
import { measureTreeMemory, sampleTreeMemory } from "../../test/support/process-tree.ts";
import { RegistryHttp } from "../../test/support/registry-http.ts";
import { startServe } from "../../test/support/serve-process.ts";

const WORKERS = 2;

/** A server that has served before, as long as `body` takes; what was pushed is removed from the bucket afterwards. */
export async function withServer<Result>(
  bucket: TestBucket,
  rootDirectory: string,
  body: (url: string, pid: number) => Promise<Result>,
): Promise<Result> {
  const server = await startServe({ rootDirectory, storage: bucketStorage(bucket), workers: WORKERS });
  try {
    await warmUp(server.url);
    return await body(server.url, server.pid);
  } finally {
    await server.stop();
    await emptyBlobs(bucket);
  }
}

/**
 * @returns by how many bytes the memory of all processes of the server together has grown at the worst moment of `body`,
 *   and what that has returned
 */
export async function measureGrowth<Result>(
  pid: number,
  body: () => Promise<Result>,
): Promise<{ growthBytes: number; result: Result }> {
  const idleBytes = await measureTreeMemory(pid);
  const stopSampling = sampleTreeMemory(pid);
  try {
    const result = await body();
    return { growthBytes: (await stopSampling()) - idleBytes, result };
  } catch (error) {
    await stopSampling();
    throw error;
  }
}

/** Removes what was pushed, so that the gateway's memory suffices. */
export async function emptyBlobs({ client, name, listKeys }: TestBucket): Promise<void> {
  const blobs = (await listKeys()).filter((key) => key.endsWith("/data"));
  if (blobs.length === 0) return;
  const Objects = blobs.map((Key) => ({ Key }));
  await client.send(new DeleteObjectsCommand({ Bucket: name, Delete: { Objects, Quiet: true } }));
}

/** Idle means: has served before, so that code that is loaded at its first use does not count as growth. */
async function warmUp(url: string): Promise<void> {
  const client = new RegistryHttp(url);
  for (let round = 0; round < 20; round++)
    await client.expectComplete(
      await client.pushImage("warm/up", `t${round}`, [Buffer.alloc(100_000, round)]),
    );
  client.close();
}
