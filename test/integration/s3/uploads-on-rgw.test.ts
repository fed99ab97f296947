import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { blobDataPath, layerLinkPath } from "../../../src/registry/paths.ts";
import { Registry } from "../../../src/registry/registry.ts";
import { createS3Store } from "../../../src/storage/s3/create-s3-store.ts";
import { S3Driver } from "../../../src/storage/s3/s3-driver.ts";
import { openS3Writer } from "../../../src/storage/s3/writers/open-writer.ts";
import { patternBytes } from "../../contract/cases/store-under-test.ts";
import { describeOnEachRgw } from "../../support/ceph/shared-rgw.ts";
import { bucketOfTest, type TestBucket } from "../../support/ceph/test-bucket.ts";
import { inChunks } from "../../support/registry-stores.ts";

const MIB = 1024 * 1024;
const content = Buffer.from(patternBytes(13 * MIB + 77));

function storeOf(bucket: TestBucket) {
  return createS3Store(bucket.settings({ chunkBytes: 5 * MIB }));
}

async function uploadsOf(bucket: TestBucket) {
  const answer = await bucket.client.send(new ListMultipartUploadsCommand({ Bucket: bucket.name }));
  return answer.Uploads ?? [];
}

describeOnEachRgw("uploads", (version) => {
  it("are completed although somebody who died has left parts of them", async () => {
    for (const rest of [0, 1 * MIB]) {
      const bucket = await bucketOfTest(version);
      const store = storeOf(bucket);
      const first = await openS3Writer(store, "/u/data", { append: true });
      for await (const chunk of inChunks(content.subarray(0, 10 * MIB), 700_000)) await first.write(chunk);
      await first.close();
      const [upload] = await uploadsOf(bucket);
      const place = { Bucket: bucket.name, Key: "u/data", UploadId: upload?.UploadId };
      await bucket.client.send(
        new UploadPartCommand({ ...place, PartNumber: 3, Body: Buffer.alloc(4 * MIB) }),
      );
      const second = await openS3Writer(store, "/u/data", { append: true });
      expect(second.sizeBytes).toBe(10 * MIB);
      await second.write(content.subarray(10 * MIB, 10 * MIB + rest));
      await second.commit();
      const stored = await new S3Driver(store).get("/u/data");
      expect(Buffer.compare(stored, content.subarray(0, 10 * MIB + rest))).toBe(0);
      expect(await bucket.listKeys()).toEqual(["u/data"]);
      expect(await uploadsOf(bucket)).toEqual([]);
    }
  });

  it("begin with an object that is there, and go on behind it when part numbers are used up", async () => {
    const bucket = await bucketOfTest(version);
    const store = storeOf(bucket);
    const long = Buffer.concat([content, content, content, content]);
    for (const end of [11 * MIB, 40 * MIB, long.length]) {
      const writer = await openS3Writer(store, "/u/data", { append: true }, { maxParts: 2 });
      for await (const chunk of inChunks(long.subarray(writer.sizeBytes, end), 1_000_001))
        await writer.write(chunk);
      await writer.close();
    }
    await (await openS3Writer(store, "/u/data", { append: true })).commit();
    expect(Buffer.compare(await new S3Driver(store).get("/u/data"), long)).toBe(0);
    expect(await bucket.listKeys()).toEqual(["u/data"]);
    expect(await uploadsOf(bucket)).toEqual([]);
  });

  it("say so when somebody has aborted them", async () => {
    const bucket = await bucketOfTest(version);
    const store = storeOf(bucket);
    const writer = await openS3Writer(store, "/u/data", { append: true });
    for await (const chunk of inChunks(content.subarray(0, 6 * MIB), 700_000)) await writer.write(chunk);
    await writer.close();
    const late = await openS3Writer(store, "/u/data", { append: true });
    const [upload] = await uploadsOf(bucket);
    await bucket.client.send(
      new AbortMultipartUploadCommand({ Bucket: bucket.name, Key: "u/data", UploadId: upload?.UploadId }),
    );
    await expect(late.commit()).rejects.toThrow(/NoSuchUpload/);
    await late.cancel();
    expect(await bucket.listKeys()).toEqual([]);
  });

  it("become blobs, in chunks by several processes and at once", async () => {
    const bucket = await bucketOfTest(version);
    const open = () => new Registry(new S3Driver(storeOf(bucket))).repository("a/b");
    const digest = digestOf(content);
    const { uuid } = await open().uploads.start();
    for (const end of [100, 4 * MIB, 9 * MIB, content.length]) {
      const upload = await open().uploads.resume(uuid);
      await upload.append(inChunks(content.subarray(upload.sizeBytes, end), 500_000));
      await upload.close();
    }
    await (await open().uploads.resume(uuid)).finish(digest);
    const expected = [blobDataPath(digest), layerLinkPath("a/b", digest)].map((path) => path.slice(1));
    expect(await bucket.listKeys()).toEqual(expected);
    const whole = { digest, sizeBytes: content.length };
    const direct = await open().uploads.startWhole(whole);
    await direct.append(inChunks(content, 500_000), undefined, whole);
    expect(await direct.finish(digest)).toEqual(whole);
    expect(await bucket.listKeys()).toEqual(expected);
    expect(await uploadsOf(bucket)).toEqual([]);
    const stored = await new S3Driver(storeOf(bucket)).get(blobDataPath(digest));
    expect(Buffer.compare(stored, content)).toBe(0);
  });
});
