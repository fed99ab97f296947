import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { bucketStorage } from "../support/ceph/bucket-storage.ts";
import { describeOnEachRgw } from "../support/ceph/shared-rgw.ts";
import { bucketOfTest } from "../support/ceph/test-bucket.ts";
import { listProcessTree } from "../support/process-tree.ts";
import { expectAllComplete, pushMany } from "../support/push-many.ts";
import { type PushedImage, RegistryHttp, sha256 } from "../support/registry-http.ts";
import { type ServeProcess, startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const MEBIBYTE = 1024 * 1024;
const ROUNDS = 4;
const IMAGES = 16;
/** More than a part of a multipart upload, so that kills come between parts too. */
const LAYER_BYTES = 7 * MEBIBYTE;

describeOnEachRgw("a server that is killed while it writes to a bucket", (version) => {
  it("loses no acknowledged image", { timeout: 300_000 }, async () => {
    const bucket = await bucketOfTest(version);
    const options = {
      rootDirectory: join(await temporaryFolder(), "registry"),
      storage: bucketStorage(bucket),
    };
    const acknowledged: PushedImage[] = [];
    let broken = 0;
    let server = await startServe(options);
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const killAt = Math.floor((round * IMAGES) / ROUNDS);
        const victim = server;
        const kill = (count: number): void => {
          if (count === killAt) void killTree(victim);
        };
        if (killAt === 0) setTimeout(() => kill(0), 200);
        const results = await pushMany(server.url, {
          round,
          images: IMAGES,
          layerBytes: LAYER_BYTES,
          concurrency: 4,
          onAcknowledged: kill,
        });
        acknowledged.push(...results.acknowledged);
        broken += results.failures.length;
        await server.kill();
        server = await startServe(options);
        await expectAllComplete(server.url, results.acknowledged);
      }
      await expectAllComplete(server.url, acknowledged);
    } finally {
      await server.stop();
    }
    expect(acknowledged.length).toBeGreaterThan(ROUNDS);
    // Otherwise nothing was killed in the middle of anything.
    expect(broken).toBeGreaterThan(ROUNDS);
  });

  it.each([
    ["in memory alone", 100_000, 3_000_000],
    ["in parts and a tail", 11 * MEBIBYTE + 7, 6 * MEBIBYTE],
  ])("goes on with an upload whose first bytes were %s", { timeout: 60_000 }, async (_, first, second) => {
    const bucket = await bucketOfTest(version);
    const options = {
      rootDirectory: join(await temporaryFolder(), "registry"),
      storage: bucketStorage(bucket),
      moreConfig: "  secret: the-same-after-a-restart\n",
    };
    const chunks = [randomBytes(first), randomBytes(second), randomBytes(17)] as const;
    const blob = Buffer.concat(chunks);
    let server = await startServe(options);
    // Where to go on is said with the address that the client used.
    const restart = { ...options, port: Number(new URL(server.url).port) };
    let location: string;
    try {
      const client = new RegistryHttp(server.url);
      location = await client.sendChunk(await client.startUpload("resumed"), chunks[0], 0);
      client.close();
      await killTree(server);
      server = await startServe(restart);

      const next = new RegistryHttp(server.url);
      const status = await next.send("GET", location);
      expect([status.status, status.headers["range"]]).toEqual([204, `0-${first - 1}`]);
      location = await next.sendChunk(location, chunks[1], first);
      next.close();
      await killTree(server);
      server = await startServe(restart);

      const last = new RegistryHttp(server.url);
      await last.finishUpload(location, sha256(blob), chunks[2]);
      const pulled = await last.send("GET", `/v2/resumed/blobs/${sha256(blob)}`);
      expect([pulled.status, sha256(pulled.body)]).toEqual([200, sha256(blob)]);
      last.close();
    } finally {
      await server.stop();
    }
    expect((await bucket.listKeys()).filter((key) => key.includes("/_uploads/"))).toEqual([]);
  });
});

/** Supervisor and workers at once, as when the machine dies. */
async function killTree(server: ServeProcess): Promise<void> {
  const pids = await listProcessTree(server.pid);
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await server.kill();
  while ((await Promise.all(pids.map(listProcessTree))).flat().length > 0) await sleep(10);
}
