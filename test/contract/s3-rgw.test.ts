import { afterAll, beforeAll } from "vitest";
import { describeOnEachRgw, sharedRgw } from "../support/ceph/shared-rgw.ts";
import { makeBucket, type TestBucket } from "../support/ceph/test-bucket.ts";
import { openS3Store, S3_ABILITIES, S3_LARGE_BYTES } from "./open-stores.ts";
import { describeStorageDriver } from "./storage-driver.ts";

describeOnEachRgw("the driver of buckets", (version) => {
  let bucket: TestBucket | undefined;

  beforeAll(async () => {
    bucket = await makeBucket(await sharedRgw(version));
  });

  afterAll(async () => {
    await bucket?.remove();
  });

  describeStorageDriver(`s3 on RGW ${version}`, {
    open: async () => {
      if (bucket === undefined) throw new Error("there is no bucket");
      return openS3Store(bucket);
    },
    largeBytes: S3_LARGE_BYTES,
    abilities: S3_ABILITIES,
    supports: { folders: false },
  });
});
