import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { expect, it, onTestFinished, vi } from "vitest";
import { describeOnEachRgw } from "../support/ceph/shared-rgw.ts";
import { startRgw } from "../support/ceph/start-rgw.ts";
import { bucketOfTest, makeBucket } from "../support/ceph/test-bucket.ts";
import { migrateToBucket } from "../support/migrate-to-bucket.ts";
import { makeMigrationWorld } from "../support/migration-world.ts";
import { RegistryHttp } from "../support/registry-http.ts";

vi.setConfig({ testTimeout: 120_000 });

const KIB = 1024;

describeOnEachRgw("migrate to a bucket", (version) => {
  it("says that the quota is full, cuts nothing over, and goes on when there is room", async () => {
    const rgw = await startRgw(version);
    onTestFinished(() => rgw.stop());
    const bucket = await makeBucket(rgw);
    const world = await makeMigrationWorld();
    await world.start();
    const client = new RegistryHttp(world.url);
    onTestFinished(() => client.close());
    const images = [];
    for (const tag of ["v1", "v2", "v3", "v4"])
      images.push(await client.pushImage("team/large", tag, [randomBytes(400 * KIB)]));
    const original = await readFile(world.configPath, "utf8");
    await rgw.limitBucket(bucket.name, 800 * KIB);
    const full = await migrateToBucket(world, bucket, "--cutover", "--yes");
    expect(full.exitCode, full.stderr).not.toBe(0);
    expect(full.stderr + full.stdout).toMatch(/quota|full|no room/i);
    expect(await readFile(world.configPath, "utf8")).toBe(original);
    expect(await world.duties()).toEqual([]);
    await client.pushBlob("team/writable", [Buffer.from("again")]);
    await rgw.limitBucket(bucket.name, undefined);
    const done = await migrateToBucket(world, bucket, "--cutover", "--yes");
    expect(done.exitCode, done.stderr).toBe(0);
    for (const image of images) await client.expectComplete(image);
  });

  it("lets clients download from the bucket when told so, and tries that before writes are taken", async () => {
    const bucket = await bucketOfTest(version);
    const world = await makeMigrationWorld(2);
    await world.start();
    const moved = await migrateToBucket(world, bucket, "--cutover", "--redirect", "--yes", "--json");
    expect(moved.exitCode, moved.stderr).toBe(0);
    expect(JSON.parse(moved.stdout).switched.probes).toContain("its config comes from the bucket directly");
    expect(await readFile(world.configPath, "utf8")).not.toContain("redirect");
    const client = new RegistryHttp(world.url);
    onTestFinished(() => client.close());
    const blob = await client.pushBlob("team/new", [randomBytes(KIB)]);
    const { status, headers } = await client.send("GET", `/v2/team/new/blobs/${blob}`);
    expect([status, headers.location]).toEqual([307, expect.stringContaining(bucket.endpoint)]);
  });
});
