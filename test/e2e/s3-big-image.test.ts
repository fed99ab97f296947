import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeBigLayout } from "../support/big-layout.ts";
import { bucketStorage } from "../support/ceph/bucket-storage.ts";
import { describeOnEachRgw } from "../support/ceph/shared-rgw.ts";
import { bucketOfTest } from "../support/ceph/test-bucket.ts";
import { IMAGE_CLIENTS, type ImageClient } from "../support/image-clients.ts";
import { listLayoutClosure, readLayoutRoot } from "../support/oci-layout.ts";
import { describeWithPrograms } from "../support/programs.ts";
import type { RealImage } from "../support/real-images.ts";
import { startServe } from "../support/serve-process.ts";

const GIBIBYTE = 1024 ** 3;

describeWithPrograms(["skopeo"], "an image of 2 GiB in a bucket", () => {
  let folder: string;
  let image: RealImage;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "registry-ctl-e2e-"));
    image = await writeBigLayout(folder, [2 * GIBIBYTE, 1_000_000]);
  }, 120_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  describeOnEachRgw("pushed and pulled by skopeo", (version) => {
    it("comes back bit for bit, through the server and from the bucket itself", {
      timeout: 600_000,
    }, async () => {
      const bucket = await bucketOfTest(version);
      const wanted = await listLayoutClosure(image.layout, image.root.digest);
      const digest = wanted.find((line) => line.endsWith(` ${2 * GIBIBYTE}`))?.split(" ")[0];
      const pulled = join(folder, `pulled-${version}`);
      for (const redirect of [false, true]) {
        const storage = bucketStorage(bucket, { redirect });
        const server = await startServe({ rootDirectory: join(folder, `registry-${version}`), storage });
        try {
          if (!redirect) await skopeo().push(image.layout, `${server.address}/big/image:v1`);
          await skopeo().pull(`${server.address}/big/image:v1`, pulled);
          expect((await readLayoutRoot(pulled)).digest).toBe(image.root.digest);
          expect(await listLayoutClosure(pulled, image.root.digest)).toEqual(wanted);
          await rm(pulled, { recursive: true });

          const address = `${server.url}/v2/big/image/blobs/${digest}`;
          const head = await fetch(address, { method: "HEAD", redirect: "manual" });
          expect([head.status, head.headers.get("content-length")]).toEqual([200, String(2 * GIBIBYTE)]);
          const range = { range: "bytes=0-0" };
          const answer = await fetch(address, { headers: redirect ? {} : range, redirect: "manual" });
          await answer.body?.cancel();
          expect(answer.status).toBe(redirect ? 307 : 206);
          if (!redirect) continue;
          const direct = await fetch(answer.headers.get("location") ?? "", { headers: range });
          expect([direct.status, direct.url.startsWith(bucket.endpoint)]).toEqual([206, true]);
          expect((await direct.arrayBuffer()).byteLength).toBe(1);
        } finally {
          await server.stop();
        }
      }
    });
  });
});

function skopeo(): ImageClient {
  const found = IMAGE_CLIENTS.find(({ name }) => name === "skopeo");
  if (found === undefined) throw new Error("no client skopeo");
  return found;
}
