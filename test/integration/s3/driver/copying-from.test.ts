import { PutBucketPolicyCommand } from "@aws-sdk/client-s3";
import { expect, it } from "vitest";
import { StorageUnavailableError } from "../../../../src/errors.ts";
import { canCopyFrom } from "../../../../src/storage/abilities.ts";
import { ReadOnlyStoreError } from "../../../../src/storage/errors.ts";
import { createS3Store } from "../../../../src/storage/s3/create-s3-store.ts";
import { S3Driver } from "../../../../src/storage/s3/s3-driver.ts";
import { readOnlyDriver } from "../../../../src/storage/wrappers/read-only/read-only-driver.ts";
import { patternBytes } from "../../../contract/cases/store-under-test.ts";
import { describeOnEachRgw } from "../../../support/ceph/shared-rgw.ts";
import { bucketOfTest } from "../../../support/ceph/test-bucket.ts";
import { Refusal } from "../../../support/s3-server/reply.ts";
import { openBucket } from "./driver-under-test.ts";

const MEBIBYTE = 1024 ** 2;
const LARGE = Buffer.from(patternBytes(12 * MEBIBYTE + 1));
const COPY = { chunkBytes: 5 * MEBIBYTE, concurrency: 3, thresholdBytes: 5 * MEBIBYTE };

describeOnEachRgw("a copy out of another bucket", (version) => {
  it("is made by the gateway, between different root directories, in parts if it is large", async () => {
    const [from, to] = [await bucketOfTest(version), await bucketOfTest(version)];
    const source = new S3Driver(createS3Store(from.settings({ rootDirectory: "old/root", copy: COPY })));
    const target = new S3Driver(createS3Store(to.settings({ rootDirectory: "new", copy: COPY })));
    const contents = { "/small": Buffer.from("x"), "/a/ü +%2f": Buffer.from("y"), "/large": LARGE };
    for (const [path, content] of Object.entries(contents)) {
      const writer = await source.openWriter(path, { expectedBytes: content.length });
      await writer.write(content);
      await writer.commit();
      expect(await target.copyFrom(source, path, path, content.length)).toBe(true);
      expect(Buffer.compare(await target.get(path), content)).toBe(0);
    }
    expect(await to.listKeys()).toEqual(["new/a/ü +%2f", "new/large", "new/small"]);
    expect(target.requests).toMatchObject({ "COPY object": 2, "COPY part": 3 });
    expect(target.requests["PUT object"]).toBeUndefined();
  });

  it("is left to the caller where the target's key may not make it", async () => {
    const [from, to] = [await bucketOfTest(version), await bucketOfTest(version)];
    const source = new S3Driver(createS3Store(from.settings()));
    const target = new S3Driver(createS3Store(to.settings()));
    await source.put("/f", Buffer.from("x"));
    const statement = {
      ...{ Effect: "Deny", Principal: "*", Action: ["s3:PutObject"] },
      Resource: [`arn:aws:s3:::${to.name}/*`],
    };
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
    await to.client.send(new PutBucketPolicyCommand({ Bucket: to.name, Policy }));
    for (let attempt = 0; attempt < 5; attempt++)
      expect(await target.copyFrom(source, "/f", "/f", 1)).toBe(false);
    expect(await to.listKeys()).toEqual([]);
    // It is not asked again for ever.
    expect(target.requests["COPY object"]).toBe(3);
  });
});

it("does not copy between two services, nor an object onto itself", async () => {
  const here = await openBucket();
  const there = await openBucket();
  there.bucket.put("f", Buffer.from("x"), Date.now());
  expect(await here.driver.copyFrom(there.driver, "/f", "/f", 1)).toBe(false);
  expect(await there.driver.copyFrom(there.driver, "/f", "/f", 1)).toBe(false);
  expect([here.s3.requests.length, there.s3.requests.length]).toEqual([0, 0]);
});

it("does not copy into a store that is only read", async () => {
  const { s3, bucket, driver } = await openBucket();
  bucket.put("f", Buffer.from("x"), Date.now());
  const readOnly = readOnlyDriver(driver);
  if (!canCopyFrom(readOnly)) throw new Error("an ability is lost");
  await expect(readOnly.copyFrom(driver, "/f", "/g", 1)).rejects.toThrow(ReadOnlyStoreError);
  expect(s3.requests).toEqual([]);
});

it("does not copy another object than the one that was meant", async () => {
  const { bucket, driver } = await openBucket();
  bucket.put("f", Buffer.from("x"), Date.now());
  await expect(driver.copyFrom(driver, "/f", "/g", 2)).rejects.toThrow(StorageUnavailableError);
  expect([...bucket.objects.keys()]).toEqual(["f"]);
});

it("leaves a copy that the service refuses to its caller, and tells of one that fails", async () => {
  for (const [status, code] of [
    [501, "NotImplemented"],
    [403, "AccessDenied"],
    [404, "NoSuchBucket"],
    [412, "PreconditionFailed"],
  ] as const) {
    const { bucket, driver } = await openBucket(
      {
        policy: ({ operation }) => (operation === "UploadPartCopy" ? new Refusal(status, code) : undefined),
      },
      { copy: COPY },
    );
    bucket.put("large", LARGE, Date.now());
    expect(await driver.copyFrom(driver, "/large", "/g", LARGE.length)).toBe(false);
    expect([[...bucket.objects.keys()], bucket.uploads.size]).toEqual([["large"], 0]);
  }
  const { bucket, driver } = await openBucket(
    {
      policy: ({ operation }) => (operation === "CopyObject" ? new Refusal(500, "InternalError") : undefined),
    },
    { maxRetries: 0 },
  );
  bucket.put("f", Buffer.from("x"), Date.now());
  await expect(driver.copyFrom(driver, "/f", "/g", 1)).rejects.toThrow(StorageUnavailableError);
});
