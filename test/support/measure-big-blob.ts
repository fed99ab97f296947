import { digestGeneratedBlob, digestPulledBlob, sendGeneratedBlob } from "./generated-blob.ts";
import { measureTreeMemory, sampleTreeMemory } from "./process-tree.ts";
import { RegistryHttp } from "./registry-http.ts";
import type { ServerProcess } from "./server-process.ts";

/** What pushing and pulling one big blob took. */
export interface BigBlobReport {
  sizeBytes: number;
  pushedDigest: string;
  pulledDigest: string;
  pushSeconds: number;
  pullSeconds: number;
  /** Memory of all the server's processes together before, and at the worst moment of the push and of the pull. */
  idleBytes: number;
  pushPeakBytes: number;
  pullPeakBytes: number;
}

/**
 * Pushes a blob in one PATCH, pulls it again, and samples the server's memory meanwhile.
 *
 * @throws {Error} if the server refuses a request
 */
export async function measureBigBlob(server: ServerProcess, sizeBytes: number): Promise<BigBlobReport> {
  const client = new RegistryHttp(server.url);
  try {
    await warmUp(client);
    const digest = digestGeneratedBlob(sizeBytes);
    const idleBytes = await measureTreeMemory(server.pid);

    const location = await client.startUpload("big/blob");
    const stopPushSampling = sampleTreeMemory(server.pid);
    const pushBegan = performance.now();
    const answer = await sendGeneratedBlob("PATCH", new URL(location, server.url), sizeBytes);
    if (answer.status !== 202 || answer.location === undefined)
      throw new Error(`PATCH: ${answer.status} ${answer.body}`);
    await client.finishUpload(answer.location, digest);
    const pushSeconds = (performance.now() - pushBegan) / 1000;
    const pushPeakBytes = await stopPushSampling();

    const stopPullSampling = sampleTreeMemory(server.pid);
    const pullBegan = performance.now();
    const pulled = await digestPulledBlob(new URL(`/v2/big/blob/blobs/${digest}`, server.url));
    const pullSeconds = (performance.now() - pullBegan) / 1000;
    const pullPeakBytes = await stopPullSampling();

    return {
      sizeBytes: pulled.sizeBytes,
      pushedDigest: digest,
      pulledDigest: pulled.digest,
      pushSeconds,
      pullSeconds,
      idleBytes,
      pushPeakBytes,
      pullPeakBytes,
    };
  } finally {
    client.close();
  }
}

/** Idle means: has served before, so that code that is compiled at its first use does not count as growth. */
async function warmUp(client: RegistryHttp): Promise<void> {
  for (let round = 0; round < 20; round++)
    await client.expectComplete(
      await client.pushImage("warm/up", `t${round}`, [Buffer.alloc(100_000, round)]),
    );
}
