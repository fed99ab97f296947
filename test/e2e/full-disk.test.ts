import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it, onTestFinished } from "vitest";
import { findWrongBlobs } from "../support/check-blobs.ts";
import { digestGeneratedBlob, sendGeneratedBlob } from "../support/generated-blob.ts";
import { describeAsRoot } from "../support/programs.ts";
import { RegistryHttp } from "../support/registry-http.ts";
import { startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const MEBIBYTE = 1024 * 1024;

describeAsRoot("a full disk", () => {
  it("fails the push, still serves what is there, and takes the push again once there is room", async () => {
    const mountPoint = join(await temporaryFolder(), "disk");
    await mkdir(mountPoint);
    await execa("mount", ["-t", "tmpfs", "-o", "size=40m", "tmpfs", mountPoint]);
    onTestFinished(async () => {
      await execa("umount", ["-l", mountPoint]);
    });
    const rootDirectory = join(mountPoint, "registry");
    const server = await startServe({ rootDirectory });
    const client = new RegistryHttp(server.url);
    try {
      const image = await client.pushImage("there/before", "v1", [Buffer.alloc(MEBIBYTE, 1)]);
      await writeFile(join(mountPoint, "ballast"), Buffer.alloc(25 * MEBIBYTE));
      const sizeBytes = 20 * MEBIBYTE;
      const digest = digestGeneratedBlob(sizeBytes);
      const push = async () => {
        const location = new URL(await client.startUpload("there/after"), server.url);
        location.searchParams.set("digest", digest);
        return sendGeneratedBlob("PUT", location, sizeBytes);
      };

      const refused = await push();

      expect(refused.status, refused.body).toBeGreaterThanOrEqual(500);
      expect(JSON.parse(refused.body)).toHaveProperty("errors");
      await client.expectComplete(image);
      expect((await client.send("HEAD", `/v2/there/after/blobs/${digest}`)).status).toBe(404);
      expect((await findWrongBlobs(rootDirectory)).wrong).toEqual([]);

      await rm(join(mountPoint, "ballast"));
      const retried = await push();
      expect(retried.status, retried.body).toBe(201);
      expect((await client.send("HEAD", `/v2/there/after/blobs/${digest}`)).status).toBe(200);
    } finally {
      client.close();
      await server.stop();
    }
  });
});
