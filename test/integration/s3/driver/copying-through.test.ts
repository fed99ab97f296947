import { expect, it } from "vitest";
import { StorageUnavailableError } from "../../../../src/errors.ts";
import { createS3Store } from "../../../../src/storage/s3/create-s3-store.ts";
import { S3Driver } from "../../../../src/storage/s3/s3-driver.ts";
import { patternBytes } from "../../../contract/cases/store-under-test.ts";
import { describeOnEachRgw } from "../../../support/ceph/shared-rgw.ts";
import { bucketOfTest } from "../../../support/ceph/test-bucket.ts";
import { faultsByPlan } from "../../../support/s3-server/faults.ts";
import { Refusal } from "../../../support/s3-server/reply.ts";
import type { ServedRequest } from "../../../support/s3-server/request.ts";
import { openBucket } from "./driver-under-test.ts";

const MEBIBYTE = 1024 ** 2;
const CONTENT = Buffer.from(patternBytes(12 * MEBIBYTE + 1));
const COPY = { chunkBytes: 5 * MEBIBYTE, concurrency: 3, thresholdBytes: 5 * MEBIBYTE };

const cannotCopy = ({ operation }: ServedRequest): Refusal | undefined =>
  operation === "CopyObject" || operation === "UploadPartCopy"
    ? new Refusal(501, "NotImplemented")
    : undefined;

it("moves by reading and writing what a store cannot copy", async () => {
  const encryption = { kind: "aws:kms", keyId: "key-1" } as const;
  const { bucket, driver } = await openBucket({ policy: cannotCopy }, { copy: COPY, encryption });
  bucket.put("large", CONTENT, Date.now());
  bucket.put("small", Buffer.from("x"), Date.now());
  await driver.move("/large", "/to/large");
  await driver.move("/small", "/to/small");
  expect([...bucket.objects.keys()].sort()).toEqual(["to/large", "to/small"]);
  expect(bucket.objects.get("to/large")?.body.equals(CONTENT)).toBe(true);
  expect(bucket.objects.get("to/small")?.headers).toMatchObject({
    "x-amz-server-side-encryption": "aws:kms",
    "x-amz-server-side-encryption-aws-kms-key-id": "key-1",
  });
  expect(bucket.uploads.size).toBe(0);
});

it("leaves what it could not move where it was, and nothing where it was to go", async () => {
  const denied = ({ operation }: ServedRequest): Refusal | undefined =>
    operation === "UploadPart" ? new Refusal(403, "AccessDenied") : undefined;
  const { bucket, driver } = await openBucket(
    { policy: (request) => cannotCopy(request) ?? denied(request) },
    { copy: COPY },
  );
  bucket.put("large", CONTENT, Date.now());
  await expect(driver.move("/large", "/to/large")).rejects.toThrow(StorageUnavailableError);
  expect([[...bucket.objects.keys()], bucket.uploads.size]).toEqual([["large"], 0]);
});

it("reads on where a body breaks off meanwhile", async () => {
  const faults = faultsByPlan([{ fault: "cut-body", operation: "GetObject" }]);
  const { bucket, driver } = await openBucket({ policy: cannotCopy, faults });
  bucket.put("large", CONTENT, Date.now());
  await driver.move("/large", "/to");
  expect(bucket.objects.get("to")?.body.equals(CONTENT)).toBe(true);
});

describeOnEachRgw("a gateway that encrypts by a key", (version) => {
  it("moves objects, which the gateway itself does not", async () => {
    const bucket = await bucketOfTest(version);
    const encryption = { kind: "aws:kms", keyId: "testkey-1" } as const;
    const driver = new S3Driver(createS3Store(bucket.settings({ encryption, copy: COPY })));
    for (const content of [CONTENT, Buffer.from("small")]) {
      const writer = await driver.openWriter("/from");
      await writer.write(content);
      await writer.commit();
      await driver.move("/from", "/to");
      expect(Buffer.from(await driver.get("/to")).equals(content)).toBe(true);
      expect(await bucket.listKeys()).toEqual(["to"]);
    }
  });
});
