import { expect, it } from "vitest";
import { createS3Store } from "../../../src/storage/s3/create-s3-store.ts";
import { PutConditions } from "../../../src/storage/s3/s3-conditions.ts";
import { S3Driver } from "../../../src/storage/s3/s3-driver.ts";
import { putObject } from "../../../src/storage/s3/s3-put.ts";
import { headObject } from "../../../src/storage/s3/s3-reads.ts";
import { describeOnEachRgw } from "../../support/ceph/shared-rgw.ts";
import { bucketOfTest } from "../../support/ceph/test-bucket.ts";

describeOnEachRgw("a write over what was read", (version) => {
  it("is known to be possible, of which nothing is left", async () => {
    const bucket = await bucketOfTest(version);
    const conditions = new PutConditions(createS3Store(bucket.settings()));
    expect(await conditions.canCreate()).toBe(true);
    expect(await conditions.replacingForm()).toBeDefined();
    expect(await bucket.listKeys()).toEqual([]);
  });

  it("takes a look and one write", async () => {
    const bucket = await bucketOfTest(version);
    const driver = new S3Driver(createS3Store(bucket.settings()));
    await driver.putOver("/tag", Buffer.from("one"));
    const before = { ...driver.requests };
    await driver.putOver("/tag", Buffer.from("two"));
    expect(driver.requests).toEqual({
      ...before,
      "GET object": (before["GET object"] ?? 0) + 1,
      "PUT object": (before["PUT object"] ?? 0) + 1,
    });
  });

  it("is done for one of many that have read the same", async () => {
    const bucket = await bucketOfTest(version);
    const store = createS3Store(bucket.settings());
    await putObject(store, "/tag", Buffer.from("before"));
    const before = await headObject(store, "/tag");
    const form = await new PutConditions(store).replacingForm();
    const headers = { "if-match": form?.(before?.etag ?? "") ?? "" };
    const done = await Promise.allSettled(
      Array.from({ length: 30 }, (_, who) =>
        putObject(store, "/tag", Buffer.from(`after ${who}`), { headers }),
      ),
    );
    expect(done.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("is not done where what was read is gone", async () => {
    const bucket = await bucketOfTest(version);
    const store = createS3Store(bucket.settings());
    const form = await new PutConditions(store).replacingForm();
    const headers = { "if-match": form?.('"5d41402abc4b2a76b9719d911017c592"') ?? "" };
    await expect(putObject(store, "/tag", Buffer.from("after"), { headers })).rejects.toThrow();
    expect(await bucket.listKeys()).toEqual([]);
  });
});
