import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeOnEachRgw } from "../support/ceph/shared-rgw.ts";
import { bucketOfTest, type TestBucket } from "../support/ceph/test-bucket.ts";
import { startGoRegistry } from "../support/go-registry.ts";
import { run, skopeoCopy } from "../support/image-clients.ts";
import { migrateToBucket } from "../support/migrate-to-bucket.ts";
import { makeMigrationWorld } from "../support/migration-world.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { realImages } from "../support/real-images.ts";
import { expectStatus, RegistryHttp } from "../support/registry-http.ts";
import { loadRegistry, type RegistryLoad } from "../support/registry-load.ts";

const LOADED = ["load/one", "load/two"];
const OTHERS = ["team/app0", "team/app1", "team/app2", "real/image"];

describeWithPrograms(
  ["skopeo", "umoci", "docker-registry"],
  "migrate from a disk to a bucket and back",
  () => {
    describeOnEachRgw("under load", (version) => {
      it("loses nothing that was acknowledged before, during and after", { timeout: 300_000 }, async () => {
        const world = await makeMigrationWorld();
        const images = await realImages();
        const bucket = await bucketOfTest(version);
        const original = await readFile(world.configPath, "utf8");
        await world.start();
        const address = new URL(world.url).host;
        await skopeoCopy(`oci:${images.threePlatforms.layout}:v1`, `docker://${address}/real/image:v1`);
        const load = loadRegistry(world.url, LOADED);
        await load.untilPushed(8);

        const moved = await migrateToBucket(world, bucket, "--cutover", "--yes", "--json");
        expect(moved.exitCode, moved.stderr).toBe(0);
        expect(JSON.parse(moved.stdout)).toMatchObject({
          outcome: "switched",
          comparison: { complete: true, graph: { complete: true } },
          // The server has seen the lock of the move in the bucket when it came to it.
          switched: { probes: expect.arrayContaining(["an upload was begun and cancelled"]) },
        });
        expect(await readFile(world.configPath, "utf8")).toContain(`bucket: ${bucket.name}`);
        await load.untilPushed(8);
        // The old store is out of use: what is pulled from now on comes from the bucket.
        await expectHeld(world.url, load);
        expect((await bucket.listKeys()).filter((key) => !key.startsWith("docker/"))).toEqual([]);

        const rolledBack = await world.run("migrate", "rollback", "--yes", "--json");
        expect(rolledBack.exitCode, rolledBack.stderr).toBe(0);
        expect(JSON.parse(rolledBack.stdout)).toMatchObject({
          outcome: "rolled back",
          comparison: { complete: true, graph: { complete: true } },
        });
        await load.untilPushed(4);
        await load.stop();
        expect(load.pulls.failed).toEqual([]);
        expect(load.pulls.worked).toBeGreaterThan(0);
        expect(load.deleted.size).toBeGreaterThan(0);
        expect(await readFile(world.configPath, "utf8")).toBe(original);
        await expectHeld(world.url, load);

        const again = await migrateToBucket(world, bucket, "--cutover", "--yes", "--json");
        expect(again.exitCode, again.stderr).toBe(0);
        await rm(join(world.store, "docker/registry/v2"), { recursive: true });
        await expectHeld(world.url, load);
        const copies = join(world.folder, "copies");
        const mine = await copyEveryTag(address, join(copies, "ours"));
        const go = await startGoRegistry({
          rootDirectory: join(world.folder, "go"),
          storage: storageOf(bucket),
        });
        try {
          await expectHeld(go.url, load);
          expect(await copyEveryTag(go.address, join(copies, "go"))).toEqual(mine);
        } finally {
          await go.stop();
        }
        expect(mine.filter((tag) => tag.startsWith("load/"))).toEqual([...load.acknowledged.keys()].sort());
      });
    });
  },
);

function storageOf({ name, endpoint, accessKey, secretKey }: TestBucket): string {
  const keys = { bucket: name, region: "us-east-1", regionendpoint: endpoint };
  const lines = Object.entries({
    ...keys,
    accesskey: accessKey,
    secretkey: secretKey,
    forcepathstyle: "true",
  });
  return `  s3:\n${lines.map(([key, value]) => `    ${key}: ${value}\n`).join("")}  redirect:\n    disable: true\n`;
}

/** All bytes of all that was acknowledged, and nothing of what was deleted. */
async function expectHeld(url: string, { acknowledged, deleted }: RegistryLoad): Promise<void> {
  const client = new RegistryHttp(url);
  try {
    for (const [name, image] of [...acknowledged]) {
      await client.expectComplete(image).catch((error: unknown) => {
        // Else it was deleted or moved meanwhile.
        if (acknowledged.get(name) === image) throw error;
      });
    }
    for (const name of deleted) {
      const [repository, tag] = name.split(":");
      expectStatus(await client.send("GET", `/v2/${repository}/manifests/${tag}`), 404);
    }
  } finally {
    client.close();
  }
}

/**
 * Has skopeo copy every tag with all its platforms.
 *
 * @returns `repository:tag` of all, in order
 */
async function copyEveryTag(address: string, folder: string): Promise<string[]> {
  const copied: string[] = [];
  for (const repository of [...LOADED, ...OTHERS]) {
    const into = join(folder, repository);
    await mkdir(into, { recursive: true });
    const plain = ["--src-tls-verify=false", "--all", "--src", "docker", "--dest", "dir"];
    await run("skopeo", ["sync", "--quiet", ...plain, `${address}/${repository}`, into]).catch(() =>
      run("skopeo", ["sync", ...plain, `${address}/${repository}`, into]),
    );
    const client = new RegistryHttp(`http://${address}`);
    const { body } = expectStatus(await client.send("GET", `/v2/${repository}/tags/list`), 200);
    client.close();
    copied.push(...JSON.parse(body.toString()).tags.map((tag: string) => `${repository}:${tag}`));
  }
  return copied.sort();
}
