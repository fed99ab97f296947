import { randomUUID } from "node:crypto";
import { ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { type Digest, digestOf } from "../../../src/oci/digest.ts";
import { runPurge } from "../../../src/operations/uploads/run-purge.ts";
import {
  blobDataPath,
  uploadDataPath,
  uploadPath,
  uploadStartedAtPath,
} from "../../../src/registry/paths.ts";
import { Registry } from "../../../src/registry/registry.ts";
import {
  type PurgedUpload,
  type PurgeOptions,
  purgeUploads,
} from "../../../src/registry/uploads/purge-uploads.ts";
import type { FailedRemoval } from "../../../src/registry/uploads/remove-upload.ts";
import type { StorageDriver } from "../../../src/storage/driver.ts";
import { createS3Store } from "../../../src/storage/s3/create-s3-store.ts";
import { S3Driver } from "../../../src/storage/s3/s3-driver.ts";
import { describeOnEachRgw } from "../../support/ceph/shared-rgw.ts";
import { bucketOfTest } from "../../support/ceph/test-bucket.ts";
import { TEST_HOLDER } from "../../support/collect.ts";
import { inChunks, pushImage } from "../../support/registry-stores.ts";
import type { Bucket } from "../../support/s3-server/bucket.ts";
import { type Faults, faultsBySeed } from "../../support/s3-server/faults.ts";
import type { S3Server } from "../../support/s3-server/s3-server.ts";
import { faultyServer, filesIn, impatientDriver, newBucket } from "./faulty-store.ts";

const DAY = 86_400_000;
const MEBIBYTE = 1024 * 1024;
const SMALL_PARTS = { chunkBytes: 5 * MEBIBYTE };

async function purge(driver: StorageDriver, options: Partial<PurgeOptions> = {}) {
  const purged: PurgedUpload[] = [];
  const failed: FailedRemoval[] = [];
  const result = await purgeUploads(driver, {
    ...{ nowMs: Date.now(), olderThanMs: 7 * DAY, dryRun: false, concurrency: 8 },
    onPurged: (upload) => void purged.push(upload),
    onFailure: (failure) => void failed.push(failure),
    ...options,
  });
  purged.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { ...result, purged, failed };
}

/** Sends so many bytes of an upload, and leaves it. */
async function beginUpload(driver: StorageDriver, repository: string, sizeBytes: number): Promise<string> {
  const upload = await new Registry(driver).repository(repository).uploads.start();
  await upload.append(inChunks(Buffer.alloc(sizeBytes), MEBIBYTE));
  await upload.close();
  return upload.uuid;
}

/** Writes to the place of a blob as a push does whose digest is known, and dies. */
async function beginBlob(driver: S3Driver, digest: Digest): Promise<void> {
  const path = blobDataPath(digest);
  const stored = async (): Promise<number> => (await driver.unfinishedAmount(path))?.sizeBytes ?? 0;
  const before = await stored();
  const writer = await driver.openWriter(path);
  for (let count = 0; count < 11; count++) await writer.write(Buffer.alloc(MEBIBYTE));
  // Parts are sent while it takes more.
  await expect.poll(stored, { timeout: 60_000 }).toBe(before + 10 * MEBIBYTE);
}

describe("purging uploads of a bucket", () => {
  let s3: S3Server;
  let bucket: Bucket;
  let driver: S3Driver;
  /** What belongs to no upload. */
  let others: string[];

  beforeEach(async () => {
    s3 = await faultyServer();
    bucket = s3.bucket(newBucket(s3));
    driver = impatientDriver(s3, bucket.name, SMALL_PARTS);
    await pushImage(new Registry(driver).repository("team/app"), "config", ["v1"]);
    others = [...filesIn(s3, bucket.name).keys()].sort();
  });

  const files = (): string[] => [...filesIn(s3, bucket.name).keys()].sort();

  /** All that is there now was written so long ago. */
  function age(ms: number): void {
    for (const object of bucket.objects.values()) object.modifiedMs -= ms;
    for (const [key, object] of bucket.objects) {
      if (key.endsWith("/startedat")) object.body = Buffer.from(new Date(Date.now() - ms).toISOString());
    }
    for (const upload of bucket.uploads.values()) {
      upload.startedMs -= ms;
      for (const part of upload.parts.values()) part.modifiedMs -= ms;
    }
  }

  it("removes parts, tails and start times of abandoned uploads, and nothing else", async () => {
    const large = await beginUpload(driver, "team/app", 6 * MEBIBYTE);
    const small = await beginUpload(driver, "team/app", 100);
    age(8 * DAY);
    const young = await beginUpload(driver, "team/app", 6 * MEBIBYTE);
    expect(bucket.uploads.size).toBe(2);

    const planned = await purge(driver, { dryRun: true });
    expect(bucket.uploads.size).toBe(2);
    const done = await purge(driver);

    expect(done).toEqual(planned);
    expect(done).toMatchObject({ found: 3, kept: 1, failed: [] });
    const started = Buffer.byteLength(new Date().toISOString());
    expect(done.purged.map(({ upload, sizeBytes }) => [upload?.uuid, sizeBytes]).sort()).toEqual(
      [
        [large, 6 * MEBIBYTE + started],
        [small, 100 + started],
      ].sort(),
    );
    expect([...bucket.uploads.values()].map(({ key }) => `/${key}`)).toEqual([
      uploadDataPath("team/app", young),
    ]);
    expect(files().filter((path) => !path.startsWith(uploadPath("team/app", young)))).toEqual(others);
  });

  it("keeps an upload to which a part came lately", async () => {
    await beginUpload(driver, "team/app", 6 * MEBIBYTE);
    age(8 * DAY);
    const part = [...bucket.uploads.values()].flatMap(({ parts }) => [...parts.values()]).at(0);
    if (part) part.modifiedMs = Date.now();
    expect(await purge(driver)).toMatchObject({ found: 1, kept: 1, purged: [] });
    expect(bucket.uploads.size).toBe(1);
  });

  it("finds parts that have no upload any more, and those of blobs, but leaves other programs' alone", async () => {
    const stored = digestOf(Buffer.from("config"));
    await beginBlob(driver, stored);
    const uuid = await beginUpload(driver, "team/app", 6 * MEBIBYTE);
    await driver.delete(uploadStartedAtPath("team/app", uuid));
    for (const key of [`docker/registry/v2/blobs/other`, `elsewhere/${randomUUID()}`]) {
      const foreign = { uploadId: randomUUID(), key, startedMs: Date.now(), headers: {}, parts: new Map() };
      bucket.uploads.set(foreign.uploadId, foreign);
    }
    age(8 * DAY);

    const { purged, strays } = await purge(driver);

    expect(purged.map(({ path }) => path)).toEqual([blobDataPath(stored), uploadPath("team/app", uuid)]);
    expect(strays).toEqual({ count: 1, first: ["/docker/registry/v2/blobs/other"] });
    expect(bucket.uploads.size).toBe(2);
    expect(files()).toEqual(others);
  });

  it("keeps all parts of a blob while somebody writes it", async () => {
    const digest = digestOf(Buffer.from("x"));
    await beginBlob(driver, digest);
    age(8 * DAY);
    await beginBlob(driver, digest);
    expect(await purge(driver)).toMatchObject({ kept: 1, purged: [] });
    expect(bucket.uploads.size).toBe(2);
  });

  it("tells of files that the store keeps although it says that it has deleted them", async () => {
    const uuid = await beginUpload(driver, "team/app", 100);
    age(8 * DAY);
    bucket.keepsSilently = (key) => key.includes("/tail/");
    const { purged, failed } = await purge(driver);
    expect(purged).toEqual([]);
    expect(failed).toEqual([
      { path: `${uploadPath("team/app", uuid)}/tail/0`, error: expect.stringContaining("is there still") },
    ]);
    bucket.keepsSilently = () => false;
    expect((await purge(driver)).purged).toHaveLength(1);
    expect(files()).toEqual(others);
  });

  it("tells that a bucket with versions has not freed anything yet", async () => {
    bucket.versioning = "on";
    await beginUpload(driver, "team/app", 100);
    age(8 * DAY);
    const report = await runPurge(
      { driver, nowMs: Date.now, holder: TEST_HOLDER, probe: async () => ({ kind: "nobody" }) },
      { dryRun: false, olderThanMs: 7 * DAY, force: false, skipIfLocked: false, otherStores: [] },
    );
    expect(report.failures).toBe(0);
    expect(report.warnings.join("\n")).toContain("add a rule with NoncurrentVersionExpiration");
    expect(files()).toEqual(others);
  });

  it("removes exactly the same while answers go wrong", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(2 ** 31 - 1), async (seed) => {
        s3.options.faults = undefined;
        await beginUpload(driver, "a", 6 * MEBIBYTE);
        await beginUpload(driver, "b", 100);
        age(8 * DAY);
        s3.options.faults = faultsBySeed(seed, { probability: 0.2 });
        const { failed } = await purge(driver);
        s3.options.faults = undefined;
        // What could not be told apart from a failure is left to the next time.
        if (failed.length > 0) await purge(driver);
        expect([files(), bucket.uploads.size]).toEqual([others, 0]);
      }),
      { numRuns: 15 },
    );
  });

  it("leaves what the next run removes if it dies before any of its requests", async () => {
    const mortal = impatientDriver(s3, bucket.name, { ...SMALL_PARTS, maxRetries: 0 });
    for (let requests = 0, isOver = false; !isOver; requests++) {
      await beginUpload(driver, "a", 6 * MEBIBYTE);
      age(8 * DAY);
      let left = requests;
      const faults: Faults = () => (left-- > 0 ? undefined : "reset-before");
      s3.options.faults = faults;
      await purge(mortal, { concurrency: 1 }).catch(() => undefined);
      isOver = left >= 0;
      s3.options.faults = undefined;
      await purge(driver);
      expect([files(), bucket.uploads.size], `died before request ${requests}`).toEqual([others, 0]);
    }
  });

  it("asks for pages of keys, not for each folder", async () => {
    for (let count = 0; count < 30; count++) {
      await new Registry(driver).repository(`many/r${count}`).uploads.start();
    }
    s3.requests.length = 0;
    expect(await purge(driver)).toMatchObject({ found: 30, kept: 30 });
    expect(s3.requests.length).toBeLessThanOrEqual(3);
  });
});

describeOnEachRgw("purging uploads", (version) => {
  it("removes what was abandoned, and leaves a bucket without a part", async () => {
    const bucket = await bucketOfTest(version);
    const driver = new S3Driver(createS3Store(bucket.settings(SMALL_PARTS)));
    await pushImage(new Registry(driver).repository("team/app"), "config", ["v1"]);
    const others = await bucket.listKeys();
    const large = await beginUpload(driver, "team/app", 6 * MEBIBYTE);
    const small = await beginUpload(driver, "team/app", 100);
    const blob = digestOf(Buffer.from("a blob whose writer died"));
    await beginBlob(driver, blob);
    const partsLeft = async (): Promise<number> => {
      const { Uploads } = await bucket.client.send(new ListMultipartUploadsCommand({ Bucket: bucket.name }));
      return Uploads?.length ?? 0;
    };
    expect(await partsLeft()).toBe(2);
    const nowMs = await driver.now();

    expect(await purge(driver, { nowMs, olderThanMs: 3_600_000 })).toMatchObject({
      found: 2,
      kept: 3,
      purged: [],
    });
    expect(await partsLeft()).toBe(2);

    const later = { nowMs: nowMs + 8 * DAY };
    const planned = await purge(driver, { ...later, dryRun: true });
    const done = await purge(driver, later);
    expect(done).toEqual(planned);
    expect(done.failed).toEqual([]);
    expect(done.purged.map(({ path }) => path)).toEqual(
      [blobDataPath(blob), uploadPath("team/app", large), uploadPath("team/app", small)].sort(),
    );
    expect([await bucket.listKeys(), await partsLeft()]).toEqual([others, 0]);
  });
});
