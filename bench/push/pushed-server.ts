import { bucketStorage } from "../../test/support/ceph/bucket-storage.ts";
import type { CephVersion } from "../../test/support/ceph/ceph-versions.ts";
import { startRgw } from "../../test/support/ceph/start-rgw.ts";
import { makeBucket, type TestBucket } from "../../test/support/ceph/test-bucket.ts";
import { measureTreeMemory, sampleTreeMemory } from "../../test/support/process-tree.ts";
import { RegistryHttp } from "../../test/support/registry-http.ts";
import { startServe } from "../../test/support/serve-process.ts";

const WORKERS = 2;

/** Memory that it takes for what is pushed comes back late, or never: a gateway lives for a few pushes. */
const CAPACITY_GIB = 8;

/** A server that has served before, and what it stores in. */
export interface PushTarget {
  url: string;
  pid: number;
  bucket: TestBucket;
}

/**
 * Starts a gateway and a server that stores in it, for as long as `body` takes.
 *
 * @param rootDirectory - beside it lie the server's config file and state
 * @throws {Error} if one of them does not start
 */
export async function withServer<Result>(
  version: CephVersion,
  rootDirectory: string,
  body: (target: PushTarget) => Promise<Result>,
): Promise<Result> {
  const rgw = await startRgw(version, { capacityGib: CAPACITY_GIB });
  try {
    const bucket = await makeBucket(rgw);
    const server = await startServe({ rootDirectory, storage: bucketStorage(bucket), workers: WORKERS });
    try {
      await warmUp(server.url);
      return await body({ url: server.url, pid: server.pid, bucket });
    } finally {
      await server.stop();
    }
  } finally {
    await rgw.stop();
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

/** Idle means: has served before, so that code that is loaded at its first use does not count as growth. */
async function warmUp(url: string): Promise<void> {
  const client = new RegistryHttp(url);
  for (let round = 0; round < 20; round++)
    await client.expectComplete(
      await client.pushImage("warm/up", `t${round}`, [Buffer.alloc(100_000, round)]),
    );
  client.close();
}
