import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import {
  blobDataPath,
  tagCurrentLinkPath,
  uploadDataPath,
  uploadStartedAtPath,
} from "../../../src/registry/paths.ts";
import { purgeUploads } from "../../../src/registry/uploads/purge-uploads.ts";
import type { StorageDriver } from "../../../src/storage/driver.ts";
import type { Bucket } from "../../support/s3-server/bucket.ts";
import { faultsBySeed } from "../../support/s3-server/faults.ts";
import type { S3Server } from "../../support/s3-server/s3-server.ts";
import { faultyServer, impatientDriver, newBucket, runs } from "./faulty-store.ts";

const DAY = 86_400_000;
const seeds = fc.nat(2 ** 31 - 1);

describe("purging unfinished uploads on S3 while answers go wrong", { timeout: 120_000 }, () => {
  it("removes exactly what is old, as long as every fault passes", async () => {
    const s3 = await faultyServer();
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const { bucket, keep } = fill(s3);
        s3.options.faults = faultsBySeed(seed, { probability: 0.25 });
        const failures = await purge(impatientDriver(s3, bucket.name));
        s3.options.faults = undefined;
        expect(failures).toEqual([]);
        expect(contentsOf(bucket)).toEqual(keep);
      }),
      runs(6),
    );
  });

  it("touches nothing else where it has to give up, and the next purge finishes", async () => {
    const s3 = await faultyServer();
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const { bucket, keep } = fill(s3);
        s3.options.faults = faultsBySeed(seed, { probability: 0.2, maxInARow: 1000 });
        await purge(impatientDriver(s3, bucket.name, { maxRetries: 0 })).catch(() => undefined);
        s3.options.faults = undefined;
        expect(contentsOf(bucket)).toEqual(expect.arrayContaining(keep));
        expect(await purge(impatientDriver(s3, bucket.name))).toEqual([]);
        expect(contentsOf(bucket)).toEqual(keep);
      }),
      runs(6),
    );
  });
});

/** @returns what could not be removed */
async function purge(driver: StorageDriver): Promise<unknown[]> {
  const failures: unknown[] = [];
  await purgeUploads(driver, {
    ...{ nowMs: Date.now(), olderThanMs: 7 * DAY, dryRun: false, concurrency: 4 },
    onFailure: (failure) => failures.push(failure),
  });
  return failures;
}

/** A bucket with uploads old and young, parts of blobs that no upload has, and what no purge may touch. */
function fill(s3: S3Server) {
  const bucket = s3.bucket(newBucket(s3));
  const put = (path: string, text: string, ageDays: number) =>
    bucket.put(path.slice(1), Buffer.from(text), Date.now() - ageDays * DAY);
  const begin = (path: string, ageDays: number) => {
    const uploadId = bucket.newId("upload-");
    const startedMs = Date.now() - ageDays * DAY;
    const part = { body: Buffer.from("part"), etag: "0".repeat(32), modifiedMs: startedMs };
    bucket.uploads.set(uploadId, {
      ...{ uploadId, key: path.slice(1), startedMs, headers: {} },
      parts: new Map([[1, part]]),
    });
  };
  const upload = (ageDays: number) => {
    const uuid = randomUUID();
    put(uploadStartedAtPath("a/b", uuid), new Date(Date.now() - ageDays * DAY).toISOString(), ageDays);
    begin(uploadDataPath("a/b", uuid), ageDays);
    put(`${uploadDataPath("a/b", uuid).slice(0, -"data".length)}tail/4`, "tail", ageDays);
  };
  const blob = digestOf(Buffer.from("blob"));
  put(blobDataPath(blob), "blob", 100);
  put(tagCurrentLinkPath("a/b", "latest"), blob, 100);
  upload(1);
  begin(blobDataPath(digestOf(Buffer.from("under way"))), 2);
  const keep = contentsOf(bucket);
  for (const ageDays of [8, 9, 30]) upload(ageDays);
  begin(blobDataPath(blob), 10);
  begin(blobDataPath(digestOf(Buffer.from("never finished"))), 11);
  return { bucket, keep };
}

/** The keys of all objects, and those of all uploads with their age in days. */
function contentsOf(bucket: Bucket): string[] {
  const uploads = [...bucket.uploads.values()].map(
    ({ key, startedMs }) => `${key} begun ${Math.round((Date.now() - startedMs) / DAY)} days ago`,
  );
  return [...bucket.keys(), ...uploads].sort();
}
