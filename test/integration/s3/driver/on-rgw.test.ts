import {
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
} from "@aws-sdk/client-s3";
import { expect, it } from "vitest";
import { forEachConcurrently } from "../../../../src/lib/for-each-concurrently.ts";
import { createS3Store } from "../../../../src/storage/s3/create-s3-store.ts";
import { S3Driver } from "../../../../src/storage/s3/s3-driver.ts";
import { listPages } from "../../../../src/storage/s3/s3-listing.ts";
import { walkedPaths } from "../../../contract/cases/store-under-test.ts";
import { describeOnEachRgw } from "../../../support/ceph/shared-rgw.ts";
import { bucketOfTest, type TestBucket } from "../../../support/ceph/test-bucket.ts";

/** In byte order. */
const ODD_KEYS = ["%2e%2e/x", "a b+c/f", "a&b<c>\"d'", "a/", "a//b", "b~(c)*!", "ü/日本", "\u{1f600}"];

function driverOf(bucket: TestBucket): S3Driver {
  return new S3Driver(createS3Store(bucket.settings()));
}

async function put(driver: S3Driver, paths: readonly string[]): Promise<void> {
  await forEachConcurrently(paths, 32, (path) => driver.put(path, Buffer.from(path)));
}

/** Lets nobody do some things, the owner included. */
async function deny(bucket: TestBucket, ...actions: string[]): Promise<void> {
  const resources = [`arn:aws:s3:::${bucket.name}`, `arn:aws:s3:::${bucket.name}/*`];
  const statement = { Effect: "Deny", Principal: "*", Action: actions, Resource: resources };
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  await bucket.client.send(new PutBucketPolicyCommand({ Bucket: bucket.name, Policy }));
}

describeOnEachRgw("the driver of buckets", (version) => {
  it("lists keys of all kinds page by page", async () => {
    const bucket = await bucketOfTest(version);
    const store = createS3Store(bucket.settings());
    for (const key of ODD_KEYS) {
      await store.lane.send({ method: "PUT", key, body: Buffer.from("x") });
    }
    const keys: string[] = [];
    for await (const page of listPages(store, { prefix: "", maxKeys: 1 })) {
      keys.push(...page.objects.map((object) => object.key));
    }
    expect(keys).toEqual(ODD_KEYS);
    const children: string[] = [];
    for await (const page of listPages(store, { prefix: "", maxKeys: 1, children: true })) {
      children.push(...page.objects.map((object) => object.key), ...page.prefixes);
    }
    expect(children).toEqual(["%2e%2e/", "a b+c/", "a&b<c>\"d'", "a/", "b~(c)*!", "ü/", "\u{1f600}"]);
    const driver = new S3Driver(store);
    expect(await walkedPaths(driver.walk("/a"))).toEqual([]);
    expect(await driver.list("/a")).toEqual([]);
  });

  it("scans thousands of keys in order, split over ranges", async () => {
    const bucket = await bucketOfTest(version);
    const driver = driverOf(bucket);
    const paths = Array.from({ length: 4200 }, (_, number) => {
      const repository = `/v2/repositories/group/app-${String(number % 60).padStart(2, "0")}`;
      return `${repository}/_manifests/tags/v${String(number).padStart(4, "0")}/current/link`;
    }).sort();
    await put(driver, paths);
    const before = driver.requests["LIST"] ?? 0;
    const scanned: string[] = [];
    const failures: unknown[] = [];
    for await (const batch of driver.scan("/v2", (failure) => failures.push(failure))) {
      scanned.push(...batch.map((file) => file.path));
    }
    expect(failures).toEqual([]);
    expect(scanned).toEqual(paths);
    expect((driver.requests["LIST"] ?? 0) - before).toBeLessThan(60);
    expect(await walkedPaths(driver.walk("/v2"))).toEqual(paths);
    expect((await driver.list("/v2/repositories/group")).length).toBe(60);
  });

  it("lists more folders than a page has", async () => {
    const driver = driverOf(await bucketOfTest(version));
    const names = Array.from({ length: 1100 }, (_, number) => `f${String(number).padStart(4, "0")}`);
    await put(
      driver,
      names.flatMap((name) => [`/d/${name}/a`, `/d/${name}/b`]),
    );
    expect(await driver.listNames("/d")).toEqual(names.map((name) => ({ name, isFolder: true })));
  });

  it("tells what a bucket with versions keeps, and whether a rule removes it", async () => {
    const bucket = await bucketOfTest(version);
    const driver = driverOf(bucket);
    const place = { Bucket: bucket.name };
    await bucket.client.send(
      new PutBucketVersioningCommand({ ...place, VersioningConfiguration: { Status: "Enabled" } }),
    );
    await driver.put("/f", Buffer.alloc(100));
    await driver.put("/f", Buffer.alloc(20));
    await driver.put("/g", Buffer.alloc(3));
    expect(await driver.deleteMany(["/g"])).toEqual([]);
    const kept = { versioning: "on", noncurrent: { files: 2, bytes: 103, isComplete: true } };
    expect(await driver.keptVersions(1000)).toEqual({ ...kept, expire: false });
    const rule = { ID: "old", Status: "Enabled" as const, Filter: { Prefix: "" } };
    await bucket.client.send(
      new PutBucketLifecycleConfigurationCommand({
        ...place,
        LifecycleConfiguration: {
          Rules: [{ ...rule, NoncurrentVersionExpiration: { NoncurrentDays: 7 } }],
        },
      }),
    );
    expect(await driver.keptVersions(1000)).toEqual({ ...kept, expire: true });
  });

  it.each([
    ["s3:GetObject", /but HEAD is denied/],
    ["s3:PutObject", /write/],
    ["s3:ListBucket", /list/],
  ])("says at the start that %s is denied", async (action, message) => {
    const bucket = await bucketOfTest(version);
    const driver = driverOf(bucket);
    await driver.checkReachable(false);
    expect(await bucket.listKeys()).toEqual([]);
    await driver.put("/f", Buffer.from("x"));
    await driver.checkReachable(false);
    await deny(bucket, action);
    await expect(driver.checkReachable(false)).rejects.toThrow(message);
  });
});
