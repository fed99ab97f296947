import { describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../../src/errors.ts";
import { Refusal } from "../../../support/s3-server/reply.ts";
import type { Operation } from "../../../support/s3-server/request.ts";
import { openBucket } from "./driver-under-test.ts";

function deny(...denied: Operation[]) {
  return {
    policy: ({ operation }: { operation: Operation }) =>
      denied.includes(operation) ? new Refusal(403, "AccessDenied", "Access Denied") : undefined,
  };
}

describe("the check whether a bucket can be worked with", () => {
  it("leaves nothing behind", async () => {
    const { bucket, driver } = await openBucket();
    await driver.checkReachable(false);
    expect([bucket.objects.size, bucket.uploads.size]).toEqual([0, 0]);
  });

  it("names the bucket that is not there", async () => {
    const { driver } = await openBucket({}, { bucket: "no-such-bucket" });
    await expect(driver.checkReachable(true)).rejects.toThrow(StorageUnavailableError);
    await expect(driver.checkReachable(true)).rejects.toThrow("no-such-bucket");
  });

  it("says that writing goes well where only HEAD is denied", async () => {
    const { driver } = await openBucket(deny("HeadObject"));
    await expect(driver.checkReachable(false)).rejects.toThrow(/writing to s3:\S+ .*HEAD is denied/);
    await expect(driver.checkReachable(true)).rejects.not.toThrow("writing to");
  });

  it("finds that nothing can be written, unless nothing is to be", async () => {
    const { driver } = await openBucket(deny("CreateMultipartUpload", "PutObject"));
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
});
