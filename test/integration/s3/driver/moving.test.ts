import { describe, expect, it } from "vitest";
import { PathNotFoundError } from "../../../../src/errors.ts";
import { patternBytes } from "../../../contract/cases/store-under-test.ts";
import { faultsByPlan } from "../../../support/s3-server/faults.ts";
import { openBucket } from "./driver-under-test.ts";

const MEBIBYTE = 1024 ** 2;
const COPY = { copy: { chunkBytes: 5 * MEBIBYTE, concurrency: 3, thresholdBytes: 5 * MEBIBYTE } };

describe("moving an object", () => {
  it("copies inside the store with one request, and keeps to how objects are to be stored", async () => {
    const { s3, bucket, driver } = await openBucket(
      {},
      { ...COPY, storageClass: "STANDARD_IA", objectAcl: "bucket-owner-full-control" },
    );
    bucket.put("from +ü", Buffer.from("x"), Date.now());
    await driver.move("/from +ü", "/to/f");
    expect([...bucket.objects.keys()]).toEqual(["to/f"]);
    expect(s3.requests.map((request) => request.operation)).toEqual([
      "HeadObject",
      "CopyObject",
      "DeleteObject",
    ]);
    expect(bucket.objects.get("to/f")?.headers).toMatchObject({
      "x-amz-storage-class": "STANDARD_IA",
      "x-amz-acl": "bucket-owner-full-control",
    });
  });

  it("copies what is larger than the threshold in parts, several at a time", async () => {
    const { s3, bucket, driver } = await openBucket({ latencyMs: 50 }, COPY);
    const content = Buffer.from(patternBytes(21 * MEBIBYTE + 3));
    bucket.put("from", content, Date.now(), { headers: { "content-type": "application/octet-stream" } });
    await driver.move("/from", "/to");
    expect([...bucket.objects.keys()]).toEqual(["to"]);
    expect(bucket.objects.get("to")?.body.equals(content)).toBe(true);
    expect(bucket.objects.get("to")?.headers["content-type"]).toBe("application/octet-stream");
    expect(s3.count("UploadPartCopy")).toBe(5);
    expect(s3.peaks.get("UploadPartCopy")).toBe(3);
    expect(bucket.uploads.size).toBe(0);
  });

  it.each(["reset-after", "error-in-200", "slow-down"] as const)(
    "comes to the same when an answer is %s",
    async (fault) => {
      const operations = [
        ...(["HeadObject", "CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload"] as const),
        ...(["CopyObject", "DeleteObject"] as const),
      ];
      const faults = faultsByPlan(operations.map((operation) => ({ fault, operation })));
      const { bucket, driver } = await openBucket({ faults }, COPY);
      const content = Buffer.from(patternBytes(11 * MEBIBYTE));
      bucket.put("large", content, Date.now());
      bucket.put("small", Buffer.from("x"), Date.now());
      await driver.move("/large", "/to/large");
      await driver.move("/small", "/to/small");
      expect([...bucket.objects.keys()].sort()).toEqual(["to/large", "to/small"]);
      expect(bucket.objects.get("to/large")?.body.equals(content)).toBe(true);
    },
  );

  it("can be done again when the removal failed", async () => {
    const faults = faultsByPlan([{ fault: "slow-down", operation: "DeleteObject", times: 3 }]);
    const { bucket, driver } = await openBucket({ faults }, { ...COPY, maxRetries: 2 });
    bucket.put("from", Buffer.from("x"), Date.now());
    await expect(driver.move("/from", "/to")).rejects.toThrow();
    expect([...bucket.objects.keys()].sort()).toEqual(["from", "to"]);
    await driver.move("/from", "/to");
    expect([...bucket.objects.keys()]).toEqual(["to"]);
    await expect(driver.move("/from", "/to")).rejects.toThrow(PathNotFoundError);
  });

  it("leaves no upload behind when a part cannot be copied", async () => {
    const faults = faultsByPlan([{ fault: "slow-down", operation: "UploadPartCopy", after: 1, times: 99 }]);
    const { bucket, driver } = await openBucket({ faults }, { ...COPY, maxRetries: 1 });
    bucket.put("from", Buffer.alloc(11 * MEBIBYTE), Date.now());
    await expect(driver.move("/from", "/to")).rejects.toThrow("/to");
    expect([...bucket.objects.keys()]).toEqual(["from"]);
    expect(bucket.uploads.size).toBe(0);
  });

  it("moves only the object that is meant, and says what to do where it has been replaced", async () => {
    const { bucket, driver } = await openBucket();
    bucket.put("from", Buffer.from("other"), Date.now());
    await expect(driver.move("/from", "/to", "another-etag")).rejects.toMatchObject({
      message: expect.stringContaining("replaced by somebody else"),
      hint: expect.stringContaining("push again"),
    });
    expect([...bucket.objects.keys()]).toEqual(["from"]);
  });
});
