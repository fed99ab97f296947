import { describe, expect, it } from "vitest";
import type { S3Driver } from "../../../src/storage/s3/s3-driver.ts";
import { patternBytes } from "../../contract/cases/store-under-test.ts";
import { type FaultKind, faultsByPlan } from "../../support/s3-server/faults.ts";
import { Refusal } from "../../support/s3-server/reply.ts";
import type { Operation } from "../../support/s3-server/request.ts";
import { faultyServer, impatientDriver } from "./faulty-store.ts";

const MIB = 1024 * 1024;
const SMALL_PARTS = {
  chunkBytes: 5 * MIB,
  copy: { chunkBytes: 5 * MIB, concurrency: 2, thresholdBytes: 5 * MIB },
};
const SIZE = 5 * MIB + 1000;
const [before, after] = [1, 2].map((seed) => Buffer.from(patternBytes(SIZE, seed))) as [Buffer, Buffer];

describe("a file of many parts that replaces one of the same size", () => {
  it.each<[FaultKind, Operation]>([
    ["reset-after", "CreateMultipartUpload"],
    ["reset-after", "UploadPart"],
    ["slow-down", "UploadPart"],
    ["reset-before", "CompleteMultipartUpload"],
    ["reset-after", "CompleteMultipartUpload"],
    ["truncated-xml", "CompleteMultipartUpload"],
    ["error-in-200", "CompleteMultipartUpload"],
  ])("is there as a whole over %s of %s", async (fault, operation) => {
    const { s3, driver } = await withOldFile();
    s3.options.faults = faultsByPlan([{ fault, operation }]);
    await write(driver, after);
    expect(s3.objects("registry").get("a")?.body.equals(after)).toBe(true);
  });

  it.each<Operation>(["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"])(
    "is never said to be there when %s was refused",
    async (operation) => {
      const { s3, driver } = await withOldFile();
      s3.options.policy = (request) =>
        request.operation === operation ? new Refusal(403, "AccessDenied") : undefined;
      await expect(write(driver, after)).rejects.toThrow();
      expect(s3.objects("registry").get("a")?.body.equals(before)).toBe(true);
    },
  );

  it("is never said to be there when its upload was aborted by somebody else", async () => {
    const { s3, driver } = await withOldFile();
    s3.options.policy = ({ operation }) => {
      if (operation === "CompleteMultipartUpload") s3.uploads("registry").clear();
      return undefined;
    };
    await expect(write(driver, after)).rejects.toThrow();
    expect(s3.objects("registry").get("a")?.body.equals(before)).toBe(true);
  });

  it.each<Operation>(["UploadPartCopy", "CompleteMultipartUpload"])(
    "is never said to be moved there when %s was refused",
    async (operation) => {
      const { s3, driver } = await withOldFile();
      s3.bucket("registry").put("b", after, 0);
      s3.options.policy = (request) =>
        request.operation === operation ? new Refusal(403, "AccessDenied") : undefined;
      await expect(driver.move("/b", "/a")).rejects.toThrow();
      expect(s3.objects("registry").get("a")?.body.equals(before)).toBe(true);
      expect(s3.objects("registry").get("b")?.body.equals(after)).toBe(true);
    },
  );

  it("is never said to be moved there when its upload was aborted by somebody else", async () => {
    const { s3, driver } = await withOldFile();
    s3.bucket("registry").put("b", after, 0);
    s3.options.policy = ({ operation }) => {
      if (operation === "CompleteMultipartUpload") s3.uploads("registry").clear();
      return undefined;
    };
    await expect(driver.move("/b", "/a")).rejects.toThrow();
    expect(s3.objects("registry").get("b")?.body.equals(after)).toBe(true);
  });
});

/** The old file has as many parts as the new one. */
async function withOldFile() {
  const s3 = await faultyServer();
  const driver = impatientDriver(s3, "registry", SMALL_PARTS);
  await write(driver, before);
  expect(s3.objects("registry").get("a")?.etag).toMatch(/-2$/);
  return { s3, driver };
}

async function write(driver: S3Driver, content: Buffer): Promise<void> {
  const writer = await driver.openWriter("/a");
  try {
    await writer.write(content);
    await writer.commit();
  } catch (error) {
    await writer.cancel();
    throw error;
  }
}
