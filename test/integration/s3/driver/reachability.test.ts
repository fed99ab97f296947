import { describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../../src/errors.ts";
import { hasStoreClock } from "../../../../src/storage/abilities.ts";
import { canCheckReachable } from "../../../../src/storage/object-store-abilities.ts";
import { readOnlyDriver } from "../../../../src/storage/wrappers/read-only/read-only-driver.ts";
import { Refusal } from "../../../support/s3-server/reply.ts";
import type { Operation } from "../../../support/s3-server/request.ts";
import { fill, openBucket } from "./driver-under-test.ts";

function deny(...denied: Operation[]) {
  return {
    policy: ({ operation }: { operation: Operation }) =>
      denied.includes(operation) ? new Refusal(403, "AccessDenied", "Access Denied") : undefined,
  };
}

describe("the check whether a bucket can be worked with", () => {
  it.each([[[]], [["f"]]])("leaves nothing behind in a bucket with %j", async (keys) => {
    const { bucket, driver } = await openBucket();
    fill(bucket, keys);
    await driver.checkReachable(false);
    expect([...bucket.objects.keys()]).toEqual(keys);
    expect(bucket.uploads.size).toBe(0);
  });

  it("makes no object where there is one to look at, and none at all where nothing is to be written", async () => {
    const { s3, bucket, driver } = await openBucket();
    await driver.checkReachable(true);
    fill(bucket, ["f"]);
    await driver.checkReachable(false);
    expect(s3.count("PutObject")).toBe(0);
  });

  it("names the bucket that is not there", async () => {
    const { driver } = await openBucket({}, { bucket: "no-such-bucket" });
    await expect(driver.checkReachable(true)).rejects.toThrow(StorageUnavailableError);
    await expect(driver.checkReachable(true)).rejects.toThrow("no-such-bucket");
  });

  it.each([[[]], [["f"]]])("says that only HEAD is denied in a bucket with %j", async (keys) => {
    const { bucket, driver } = await openBucket(deny("HeadObject"));
    fill(bucket, keys);
    await expect(driver.checkReachable(false)).rejects.toThrow(
      "writing to it are allowed, but HEAD is denied",
    );
    await expect(driver.checkReachable(true)).rejects.toThrow(/^(?!.*writing)/);
    expect([...bucket.objects.keys()]).toEqual(keys);
  });

  it("finds that nothing can be written, unless nothing is to be", async () => {
    const { bucket, driver } = await openBucket(deny("CreateMultipartUpload", "PutObject"));
    await expect(driver.checkReachable(false)).rejects.toThrow(StorageUnavailableError);
    fill(bucket, ["f"]);
    await expect(driver.checkReachable(false)).rejects.toThrow(StorageUnavailableError);
    await driver.checkReachable(true);
  });

  it("finds that nothing can be listed", async () => {
    const { driver } = await openBucket(deny("ListObjectsV2"));
    await expect(driver.checkReachable(true)).rejects.toMatchObject({ hint: expect.any(String) });
  });

  it("finds a server that is not there", async () => {
    const { s3, driver } = await openBucket({}, { maxRetries: 0 });
    await s3.close();
    await expect(driver.checkReachable(true)).rejects.toThrow(StorageUnavailableError);
  });

  it("writes nothing through a read-only wrapper, whoever asks, which still tells the store's time", async () => {
    const { s3, bucket, driver } = await openBucket();
    const readOnly = readOnlyDriver(driver);
    if (!canCheckReachable(readOnly) || !hasStoreClock(readOnly)) throw new Error("an ability is missing");
    await readOnly.checkReachable(false);
    expect(Math.abs((await readOnly.now()) - Date.now())).toBeLessThan(60_000);
    fill(bucket, ["f"]);
    await readOnly.checkReachable(false);
    for (const write of ["PutObject", "CreateMultipartUpload", "DeleteObject"] as const) {
      expect(s3.count(write), write).toBe(0);
    }
  });
});
